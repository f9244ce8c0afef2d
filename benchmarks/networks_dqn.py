"""DQN on CartPole in the settings of CleanRL, purejaxrl, RL Zoo and rejax; and how far it is from the core's limit."""

import itertools
import time

from benchmarks.networks_race import LOOP, ZOO, Against, Peer, Scaled, anchors, main, median_rate, section, training

HIDDEN, BATCH, PERIOD = (120, 84), 128, 10
ONE, MANY = "qlearn, 1 seed", "qlearn, 8 seeds"
TEN, TEN_MANY = "qlearn, 10 environments, 1 seed", "qlearn, 10 environments, 8 seeds"
OUR_ZOO, OUR_REJAX = "qlearn, RL Zoo's line", "qlearn, rejax's setting"
LIKE_CLEANRL, THEIR_REJAX, LOOP_MANY = "Stable-Baselines3, CleanRL's setting", "rejax's DQN", f"{LOOP}, 8 seeds"
TORCH, JAX = "CleanRL, torch", "CleanRL, JAX"
PURE, PURE_MANY = "purejaxrl", "purejaxrl, 8 seeds"


def agents():
    """Learning starts early in all of them: what is measured is the speed of learning."""
    import keras

    import qlearn as ql

    adam = keras.optimizers.Adam
    usual = {"learning_starts": 1000, "batch_size": BATCH, "train_every": PERIOD, "target_every": 500}
    zoo = {"replay": 99_840, "learning_starts": 1000, "batch_size": 64, "train_every": 256, "updates": 128}
    rejax = {"replay": 50_000, "learning_starts": 1000, "batch_size": 100, "train_every": 10, "updates": 5}
    return {
        "one": ql.DQN(ql.mlp(*HIDDEN), adam(2.5e-4), **usual),
        "ten": ql.DQN(ql.mlp(*HIDDEN), adam(2.5e-4), num_environments=10, **usual),
        "zoo": ql.DQN(ql.mlp(256, 256), adam(2.3e-3), target_every=256, **zoo),
        "rejax": ql.DQN(
            ql.mlp(64, 64, activation="silu"),
            adam(1e-3),
            dueling=True,
            double=True,
            num_environments=10,
            target_every=None,
            target_rate=0.02,
            **rejax,
        ),
    }


def contestants(quick, interpreter):
    small, made, game = 10 if quick else 1, agents(), "CartPole-v1"
    ours = {
        ONE: training(made["one"], game, 1, 160_000 // small),
        MANY: training(made["one"], game, 8, 40_000 // small),
        TEN: training(made["ten"], game, 1, 160_000 // small),
        TEN_MANY: training(made["ten"], game, 8, 40_000 // small),
        OUR_ZOO: training(made["zoo"], game, 1, 10_240 // small),
        OUR_REJAX: training(made["rejax"], game, 1, 20_000 // small),
    }
    if interpreter is None:
        return ours
    setting = "num_envs=10 buffer_size=50000 fill_buffer=1000 batch_size=100 max_grad_norm=10 learning_rate=0.001 "
    setting += "num_epochs=5 polyak=0.98 exploration_fraction=0.5 agent='DuelingQNetwork'"
    return {
        **anchors(interpreter, quick),
        LIKE_CLEANRL: Peer(interpreter, "sb3_dqn.py", "cleanrl", 6000 // small),
        LOOP: Peer(interpreter, "jax_dqn.py", 1, 160_000 // small),
        LOOP_MANY: Peer(interpreter, "jax_dqn.py", 8, 40_000 // small),
        THEIR_REJAX: Peer(interpreter, "rejax_runs.py", "dqn", "CartPole-v1", 1, 20_000 // small, *setting.split()),
        **ours,
    }


SCALED = {
    TORCH: Scaled(5100, ZOO),
    JAX: Scaled(3650, ZOO),
    f"{PURE}, by Stable-Baselines3": Scaled(66_000, ZOO),
    f"{PURE_MANY}, by Stable-Baselines3": Scaled(116_000, ZOO),
}
COMPARISONS = [
    Against(ONE, TORCH, 10),
    Against(ONE, JAX, 10),
    Against(TEN, LOOP, 1.3),
    Against(TEN_MANY, LOOP_MANY, 1),
    Against(TEN, f"{PURE}, by Stable-Baselines3"),
    Against(TEN_MANY, f"{PURE_MANY}, by Stable-Baselines3"),
    Against(ONE, LIKE_CLEANRL),
    Against(OUR_ZOO, ZOO, 2.5),
    Against(OUR_REJAX, THEIR_REJAX),
]


def update_flops(inputs, hidden, outputs, batch):
    """Floating-point operations of one update: the two forward passes, the backward pass, and Adam."""
    sizes = [inputs, *hidden, outputs]
    products = [2 * batch * k * n for k, n in itertools.pairwise(sizes)]
    forward, weights = sum(products), sum((k + 1) * n for k, n in itertools.pairwise(sizes))
    return {
        "forward": forward,
        "target": forward,
        "backward": 2 * forward - products[0],  # the inputs need no gradient
        "adam": 13 * weights,  # two moments (3 + 4), two corrections in one rate, root, sum, quotient, product, step
    }


def peak(size=1024, seconds=1.0):
    """The most that a matrix product reaches on this core, in floating-point operations per second of process time."""
    import jax
    import numpy as np

    best = 0.0
    left = np.random.default_rng(0).standard_normal((size, size), np.float32)
    for product in (np.matmul, jax.jit(jax.numpy.matmul)):
        right = left if product is np.matmul else jax.numpy.asarray(left)
        np.asarray(product(right, right))
        end = time.process_time() + seconds
        while time.process_time() < end:
            start = time.process_time()
            np.asarray(product(right, right))
            best = max(best, 2 * size**3 / (time.process_time() - start))
    return best


def arithmetic(found):
    """How far from the limit, in words."""
    parts, limit = update_flops(4, HIDDEN, 2, BATCH), peak()
    acting = update_flops(4, HIDDEN, 2, PERIOD)["forward"]
    whole = sum(parts.values()) + acting
    words = ", ".join(f"{name} {value / 1e6:.2f}" for name, value in parts.items())
    text = (
        f"Arithmetic of {PERIOD} steps in MFLOP: {words}, acting {acting / 1e6:.2f}; {whole / 1e6:.2f} in all. The "
        f"product of two matrices of 1,024 × 1,024 reaches {limit / 1e9:.0f} GFLOP/s here, so that this core cannot "
        f"make more than {PERIOD * limit / whole:,.0f} steps per second. Shares of that"
    )
    for name in (ONE, TEN, TEN_MANY):
        rate = median_rate(found, name)
        text += f"; {name}: {100 * rate * whole / PERIOD / limit:.0f}%" if rate else ""
    return text.replace("that;", "that:") + "."


def run(quick, interpreter):
    title = "DQN on CartPole, Keras, 120 and 84 units, batches of 128, one update every 10 steps, unless said otherwise"
    found = section(title, contestants(quick, interpreter), SCALED, COMPARISONS, quick)
    found["notes"].insert(0, arithmetic(found))
    return found


if __name__ == "__main__":
    main(run)
