"""How fast environments step that run on the device, or in NumPy: `python -m benchmarks.environment_race`.

1,024 copies, random actions, episodes that begin again by themselves; one core, process time, contestants in turn. "By itself" is the library's own step with its own way to reset and keys split in the loop, as its examples do it; "in qlearn" is the same environment through `ql.make`, with qlearn's noise and the engine's way to reset. Writes benchmarks/results/environments.md and environments.json.
"""  # noqa: E501 - these paragraphs are printed as they are

import argparse
import json
import sys
from functools import cache, partial
from pathlib import Path

from benchmarks import measure

RESULTS = Path(__file__).with_name("results")
COPIES = 1024
STEPS = {"CartPole": 2000, "other classic control": 1000, "MinAtar Breakout": 400}


@cache
def in_qlearn(identity, steps):
    """The environment in the engine's order: act, step, tell the end, reset from the noise of the next episode."""
    import jax
    import jax.numpy as jnp

    import qlearn as ql
    from qlearn.engine import noise

    environment = ql.make(identity)
    zero, one = jnp.uint32(0), jnp.uint32(1)
    limit = environment.time_limit or 2**31

    def step(environment, seed, carry):
        state, episode, count = carry
        word = noise.at(seed, noise.BEHAVIOUR, episode, count).uniform(0)
        action = (word * environment.num_actions).astype(jnp.int32)
        world = noise.at(seed, noise.ENVIRONMENT, episode, count)
        after, reward, terminated = environment.step(state, action, world, count)
        seen = environment.observe(after)
        ended = terminated | (count + one >= jnp.uint32(limit))
        episode = episode + ended.astype(jnp.uint32)
        fresh = environment.reset(noise.at(seed, noise.RESET, episode, zero))
        state = jax.tree.map(lambda a, b: jnp.where(ended, a, b), fresh, after)
        return (state, episode, jnp.where(ended, zero, count + one)), (reward, seen)

    @jax.jit
    def run(environment, seeds):
        state = jax.vmap(lambda seed: environment.reset(noise.at(seed, noise.RESET, zero, zero)))(seeds)
        words = jnp.zeros(seeds.size, jnp.uint32)

        def body(carry, _):
            (after, total) = carry
            after, (reward, seen) = jax.vmap(partial(step, environment))(seeds, after)
            return (after, total + reward.sum() + seen.sum()), None

        return jax.lax.scan(body, ((state, words, words), jnp.float32(0)), None, length=steps)[0][1]

    seeds = jnp.arange(COPIES, dtype=jnp.uint32)
    return lambda: run(environment, seeds)


@cache
def gymnax_itself(game, steps):
    import gymnax
    import jax
    import jax.numpy as jnp

    env, params = gymnax.make(game)

    def body(carry, _):
        key, state, total = carry
        key, key_act, key_step = jax.random.split(key, 3)
        action = jax.random.randint(key_act, (COPIES,), 0, env.num_actions)
        keys = jax.random.split(key_step, COPIES)
        seen, state, reward, *_ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, state, action, params)
        return (key, state, total + reward.sum() + seen.sum()), None

    @jax.jit
    def run(key):
        _, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(key, COPIES), params)
        return jax.lax.scan(body, (key, state, jnp.float32(0)), None, length=steps)[0][2]

    return lambda: run(jax.random.key(0))


@cache
def pgx_itself(game, steps):
    import jax
    import jax.numpy as jnp
    import pgx
    from pgx.experimental import auto_reset

    env = pgx.make(game)
    step = jax.vmap(auto_reset(env.step, env.init))

    def body(carry, _):
        key, state, total = carry
        key, key_act, key_step = jax.random.split(key, 3)
        action = jax.random.randint(key_act, (COPIES,), 0, env.num_actions)
        state = step(state, action, jax.random.split(key_step, COPIES))
        return (key, state, total + state.rewards.sum() + state.observation.sum()), None

    @jax.jit
    def run(key):
        state = jax.vmap(env.init)(jax.random.split(key, COPIES))
        return jax.lax.scan(body, (key, state, jnp.float32(0)), None, length=steps)[0][2]

    return lambda: run(jax.random.key(0))


@cache
def gymnasium_vector(game, steps):
    import gymnasium
    import numpy as np

    envs = gymnasium.make_vec(game, num_envs=COPIES, vectorization_mode="vector_entry_point")
    rng = np.random.default_rng(0)

    def run():
        envs.reset(seed=0)
        total = np.float64(0)
        for _ in range(steps):
            seen, reward, *_ = envs.step(rng.integers(0, 2, COPIES))
            total += reward.sum() + seen.sum()
        return total

    return run


RACES = {
    "CartPole": {
        "Gymnasium's own vector CartPole": (gymnasium_vector, "CartPole-v1"),
        "qlearn's": (in_qlearn, "CartPole-v1"),
        "gymnax's, by itself": (gymnax_itself, "CartPole-v1"),
        "gymnax's, in qlearn": (in_qlearn, "gymnax:CartPole-v1"),
    },
    "other classic control": {
        "qlearn's MountainCar": (in_qlearn, "MountainCar-v0"),
        "gymnax's MountainCar, by itself": (gymnax_itself, "MountainCar-v0"),
        "qlearn's Acrobot": (in_qlearn, "Acrobot-v1"),
        "gymnax's Acrobot, by itself": (gymnax_itself, "Acrobot-v1"),
    },
    "MinAtar Breakout": {
        "gymnax's, by itself": (gymnax_itself, "Breakout-MinAtar"),
        "gymnax's, in qlearn": (in_qlearn, "gymnax:Breakout-MinAtar"),
        "pgx's, by itself": (pgx_itself, "minatar-breakout"),
        "pgx's, in qlearn": (in_qlearn, "pgx:minatar-breakout"),
    },
}


def work(make, identity, steps):
    """One run of a contestant; how many steps it made."""
    float(make(identity, steps)())
    return COPIES * steps


def race(title, quick):
    """The rows of one race; the ratio is to its first contestant."""
    steps = STEPS[title] // (20 if quick else 1)
    entries = {name: partial(work, make, identity, steps) for name, (make, identity) in RACES[title].items()}
    timings, failed = measure.alternate(entries, repeats=2 if quick else measure.REPEATS)
    first, rows = next(iter(timings)), []
    for name, found in timings.items():
        rate = measure.spread([value / 1e6 for value in found.rate()])
        ratio = measure.ratios(timings, name, first)
        rows.append({"case": name, "million_steps_per_second": rate, "ratio": ratio, "first": found.first["process"]})
        print(f"{title:22} {name:34} {rate['median']:8.2f} M steps/s {ratio['median']:8.2f} ×", file=sys.stderr)
    return rows + [{"case": name, "failed": why} for name, why in failed.items()]


def line(row):
    if "failed" in row:
        return f"| {row['case']} | not measured ({row['failed']}) | – | – |"
    rate, ratio = row["million_steps_per_second"], row["ratio"]
    speed = f"{rate['median']:.2f} ({rate['min']:.2f}–{rate['max']:.2f})"
    return f"| {row['case']} | {speed} | {ratio['median']:.2f} | {row['first']:.1f} |"


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environment_race")
    parser.add_argument("--quick", action="store_true", help="short runs, which are printed and not written")
    chosen = parser.parse_args()
    conditions = measure.conditions() | {name: measure.version(name) for name in ("gymnax", "pgx")}
    measure.pin()
    races = {title: race(title, chosen.quick) for title in RACES}
    lines = ["# Environments raced", "", *(__doc__ or "").split("\n\n")[0].splitlines(), ""]
    lines += [(__doc__ or "").split("\n\n")[1].strip(), ""]
    for title, rows in races.items():
        lines += [
            f"## {title}",
            "",
            "| case | million steps/s | × the first row | s, first call |",
            "|---|---|---|---|",
        ]
        lines += [*map(line, rows), ""]
    lines += ["Conditions: " + "; ".join(f"{k} {v}" for k, v in conditions.items()) + "; pinned to one core.", ""]
    if chosen.quick:
        print("\n".join(lines))
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "environments.md").write_text("\n".join(lines))
    (RESULTS / "environments.json").write_text(json.dumps({"conditions": conditions, "races": races}, indent=1) + "\n")


if __name__ == "__main__":
    main()
