"""DQN on Gymnasium's CartPole through the host loop, in CleanRL's setting."""

from benchmarks.networks_dqn import agents
from benchmarks.networks_race import ZOO, Against, Peer, Scaled, anchors, main, section, training

SYNC, OWN, MANY = "qlearn, sync, 1 seed", "qlearn, its own vector form, 1 seed", "qlearn, sync, 8 seeds"
TEN = "qlearn, its own vector form, 10 environments, 1 seed"
LIKE_CLEANRL, TORCH = "Stable-Baselines3, CleanRL's setting", "CleanRL, torch"
SCALED = {TORCH: Scaled(5100, ZOO)}
COMPARISONS = [Against(SYNC, TORCH, 1), Against(MANY, TORCH), Against(TEN, TORCH), Against(SYNC, LIKE_CLEANRL)]


def run(quick, interpreter):
    import qlearn as ql

    small, made = 10 if quick else 1, agents()
    sync, own = (ql.make("CartPole-v1", vectorization=form) for form in ("sync", "own"))
    contestants = anchors(interpreter, quick)
    if interpreter is not None:
        contestants[LIKE_CLEANRL] = Peer(interpreter, "sb3_dqn.py", "cleanrl", 6000 // small)
    contestants |= {
        SYNC: training(made["one"], sync, 1, 10_000 // small),
        OWN: training(made["one"], own, 1, 10_000 // small),
        MANY: training(made["one"], sync, 8, 4000 // small),
        TEN: training(made["ten"], own, 1, 40_000 // small),
    }
    return section("DQN through the host loop, Gymnasium's CartPole", contestants, SCALED, COMPARISONS, quick)


if __name__ == "__main__":
    main(run)
