"""PQN on CartPole in the settings of rejax and purejaxql."""

from benchmarks.networks_race import (
    LOOP,
    REJAX,
    REJAX_SETTING,
    ZOO,
    Against,
    Peer,
    Scaled,
    anchors,
    main,
    section,
    training,
)

ONE, MANY = "qlearn, rejax's setting, 1 seed", "qlearn, rejax's setting, 8 seeds"
WIDE, WIDE_MANY = "qlearn, purejaxql's setting, 1 seed", "qlearn, purejaxql's setting, 8 seeds"
THEIRS, THEIRS_MANY = "rejax's PQN, 1 seed", "rejax's PQN, 8 seeds"
PURE = "purejaxql"


def agents():
    import keras

    import qlearn as ql

    adam = keras.optimizers.Adam
    return {
        "rejax": ql.PQN(
            ql.mlp(64, 64, layer_norm=True),
            adam(3e-4),
            num_environments=16,
            num_steps=128,
            epochs=5,
            minibatches=16,
            trace_decay=0.9,
        ),
        "purejaxql": ql.PQN(
            ql.mlp(256, 256, layer_norm=True),
            adam(1e-4),
            num_environments=32,
            num_steps=64,
            epochs=4,
            minibatches=16,
            trace_decay=0.95,
            reward_scale=0.1,
        ),
    }


def contestants(quick, interpreter):
    made, game, small = agents(), "CartPole-v1", 8 if quick else 1
    ours = {
        ONE: training(made["rejax"], game, 1, 131_072 // small),
        MANY: training(made["rejax"], game, 8, 32_768 // small),
        WIDE: training(made["purejaxql"], game, 1, 32_768 // small),
        WIDE_MANY: training(made["purejaxql"], game, 8, 16_384 // small),
    }
    if interpreter is None:
        return ours
    rejax = ("rejax_runs.py", "pqn", game)
    return {
        **anchors(interpreter, quick),
        LOOP: Peer(interpreter, "jax_dqn.py", 1, 40_000 // small),
        THEIRS: Peer(interpreter, *rejax, 1, 131_072 // small, *REJAX_SETTING),
        THEIRS_MANY: Peer(interpreter, *rejax, 8, 32_768 // small, *REJAX_SETTING),
        **ours,
    }


SCALED = {PURE: Scaled(25_000, LOOP), f"{PURE}, by Stable-Baselines3": Scaled(25_000, ZOO)}
COMPARISONS = [
    Against(ONE, THEIRS, 1),
    Against(MANY, THEIRS_MANY, 1),
    Against(ONE, REJAX),
    Against(WIDE, PURE, 1),
    Against(WIDE, f"{PURE}, by Stable-Baselines3"),
]


def run(quick, interpreter):
    found = section("PQN on CartPole, Keras", contestants(quick, interpreter), SCALED, COMPARISONS, quick)
    found["notes"].insert(
        0,
        "rejax's setting is that of its configs/gymnax/cartpole.yaml: 16 environments × 128 steps, 5 epochs of 16 "
        "minibatches, two layers of 64 units. purejaxql's: 32 × 64, 4 epochs of 16, two layers of 256. rejax as it "
        "comes plays 128 games between its intervals; unless said otherwise they are left out.",
    )
    return found


if __name__ == "__main__":
    main(run)
