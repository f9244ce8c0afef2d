"""Stream Q(λ) on CartPole: one update at every step."""

from benchmarks.networks_race import ZOO, Against, Scaled, anchors, main, section, training

ONE, MANY, AUTHORS = "qlearn, 1 seed", "qlearn, 8 seeds", "the authors' code"
SCALED = {AUTHORS: Scaled(1800, ZOO)}
COMPARISONS = [Against(ONE, AUTHORS, 20), Against(MANY, AUTHORS)]


def run(quick, interpreter):
    import qlearn as ql

    agent, small = ql.StreamQ(ql.mlp(32, 32, layer_norm=True)), 10 if quick else 1
    contestants = {
        **anchors(interpreter, quick),
        ONE: training(agent, "CartPole-v1", 1, 60_000 // small),
        MANY: training(agent, "CartPole-v1", 8, 30_000 // small),
    }
    return section("Stream Q(λ) on CartPole, two layers of 32 units", contestants, SCALED, COMPARISONS, quick)


if __name__ == "__main__":
    main(run)
