"""A plain loop in JAX, DQN on gymnax's CartPole: `python jax_dqn.py SEEDS STEPS`.

Written for this benchmark, as single files with flax, optax and flashbax do it: one scan whose step acts in ten
environments, stores what happened and makes one update; keys are split on the way, branches decide what is due, and
seeds are mapped over the whole.  The setting is purejaxrl's: 120 and 84 units, batches of 128 out of 10,000
transitions, a hard target every 500 steps.  Here learning starts after 1,000 steps, as in all of these races.
"""

import functools
import importlib.metadata
import sys

from clock import serve, settle

ENVIRONMENTS, BATCH, PLACES, STARTS, TARGET_EVERY = 10, 128, 10_000, 1000, 500


def trainer(steps):
    """The function from a key to the trained weights."""
    import flashbax
    import gymnax
    import jax
    import jax.numpy as jnp
    import optax
    from flax import linen

    class Network(linen.Module):
        @linen.compact
        def __call__(self, x):
            for units in (120, 84):
                x = linen.relu(linen.Dense(units)(x))
            return linen.Dense(2)(x)

    env, params = gymnax.make("CartPole-v1")
    network, optimizer = Network(), optax.adam(2.5e-4)
    replay = flashbax.make_flat_buffer(PLACES, BATCH, BATCH, False, ENVIRONMENTS)
    all_reset = jax.vmap(env.reset, in_axes=(0, None))
    all_step = jax.vmap(env.step, in_axes=(0, 0, 0, None))

    def behave(weights, seen, key, total):
        chance, choice = jax.random.split(key)
        epsilon = jnp.maximum(0.05, 1.0 - 0.95 * total / 250_000)
        any_action = jax.random.randint(choice, (ENVIRONMENTS,), 0, 2)
        best = jnp.argmax(network.apply(weights, seen), axis=-1)
        return jnp.where(jax.random.uniform(chance, (ENVIRONMENTS,)) < epsilon, any_action, best)

    def update(learnt, target, stored, key):
        weights, moments = learnt
        pair = replay.sample(stored, key).experience
        following = jnp.max(network.apply(target, pair.second["seen"]), axis=-1)
        goal = pair.first["reward"] + 0.99 * (1.0 - pair.first["done"]) * following

        def loss(weights):
            values = network.apply(weights, pair.first["seen"])
            taken = jnp.take_along_axis(values, pair.first["action"][:, None], axis=-1)[:, 0]
            return jnp.mean((taken - goal) ** 2)

        changes, moments = optimizer.update(jax.grad(loss)(weights), moments)
        return optax.apply_updates(weights, changes), moments

    def step(carry, _):
        learnt, target, stored, states, seen, total, key = carry
        key, to_act, to_step, to_learn = jax.random.split(key, 4)
        action = behave(learnt[0], seen, to_act, total)
        following, states, reward, done, _ = all_step(jax.random.split(to_step, ENVIRONMENTS), states, action, params)
        row = {"seen": seen, "action": action, "reward": reward, "done": done.astype(jnp.float32)}
        stored, total = replay.add(stored, row), total + ENVIRONMENTS
        due = replay.can_sample(stored) & (total > STARTS)
        learnt = jax.lax.cond(due, functools.partial(update, learnt, target, stored), lambda _: learnt, to_learn)
        target = jax.lax.cond(total % TARGET_EVERY == 0, lambda: learnt[0], lambda: target)
        return (learnt, target, stored, states, following, total, key), None

    def train(key):
        key, to_reset, to_begin = jax.random.split(key, 3)
        seen, states = all_reset(jax.random.split(to_reset, ENVIRONMENTS), params)
        weights = network.init(to_begin, seen)
        row = {"seen": seen[0], "action": jnp.int32(0), "reward": jnp.float32(0), "done": jnp.float32(0)}
        first = ((weights, optimizer.init(weights)), weights, replay.init(row), states, seen, 0, key)
        last, _ = jax.lax.scan(step, first, None, steps // ENVIRONMENTS)
        return last[0][0]

    return train


def main():
    settle()
    import jax

    seeds, steps = int(sys.argv[1]), int(sys.argv[2])
    train = trainer(steps)
    run = jax.jit(train if seeds == 1 else jax.vmap(train))
    keys = jax.random.split(jax.random.key(0), seeds)

    def work():
        jax.block_until_ready(run(keys[0] if seeds == 1 else keys))
        return seeds * steps

    serve(work, {name: importlib.metadata.version(name) for name in ("flax", "optax", "flashbax", "gymnax", "jax")})


if __name__ == "__main__":
    main()
