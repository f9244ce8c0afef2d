"""PQN on MinAtar Breakout with purejaxql's convolution and setting."""

from benchmarks.networks_race import LOOP, ZOO, Against, Peer, Scaled, anchors, main, section, training

GYMNAX, GYMNAX_MANY = "qlearn, gymnax's Breakout, 1 seed", "qlearn, gymnax's Breakout, 8 seeds"
PGX, PGX_MANY = "qlearn, pgx's Breakout, 1 seed", "qlearn, pgx's Breakout, 8 seeds"
PURE = "purejaxql, gymnax's Breakout"
SCALED = {PURE: Scaled(2800, LOOP), f"{PURE}, by Stable-Baselines3": Scaled(2800, ZOO)}
COMPARISONS = [
    Against(GYMNAX, PURE, 1),
    Against(GYMNAX, f"{PURE}, by Stable-Baselines3"),
    Against(GYMNAX_MANY, PURE),
    Against(PGX, PURE),
]


def convolution(observation_shape, num_actions):
    """16 filters of 3 × 3, normalised, then 128 units, normalised."""
    import keras

    layers = keras.layers
    he = "he_normal"
    return keras.Sequential(
        [
            layers.Input(observation_shape),
            layers.Conv2D(16, 3, kernel_initializer=he),
            layers.LayerNormalization(epsilon=1e-6),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(128, kernel_initializer=he),
            layers.LayerNormalization(epsilon=1e-6),
            layers.ReLU(),
            layers.Dense(num_actions),
        ]
    )


def agent():
    import keras

    import qlearn as ql

    setting = {"num_environments": 128, "num_steps": 32, "epochs": 2, "minibatches": 32, "trace_decay": 0.65}
    return ql.PQN(convolution, keras.optimizers.Adam(5e-4), **setting)


def run(quick, interpreter):
    steps, made = 4096 if quick else 8192, agent()
    contestants = anchors(interpreter, quick)
    if interpreter is not None:
        contestants[LOOP] = Peer(interpreter, "jax_dqn.py", 1, 4000 if quick else 40_000)
    contestants |= {
        GYMNAX: training(made, "gymnax:Breakout-MinAtar", 1, steps),
        GYMNAX_MANY: training(made, "gymnax:Breakout-MinAtar", 8, 4096),
        PGX: training(made, "pgx:minatar-breakout", 1, steps),
        PGX_MANY: training(made, "pgx:minatar-breakout", 8, 4096),
    }
    title = "PQN on MinAtar Breakout: a convolution, 128 environments × 32 steps, 2 epochs of 32 minibatches"
    return section(title, contestants, SCALED, COMPARISONS, quick)


if __name__ == "__main__":
    main(run)
