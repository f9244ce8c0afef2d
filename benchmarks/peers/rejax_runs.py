"""rejax: `python rejax_runs.py pqn|dqn ENVIRONMENT SEEDS STEPS [NAME=VALUE …]`.

Without names all settings are rejax's defaults, except that nothing is evaluated: its runs play 128 games at each of
its intervals, which is no part of training.
"""

import ast
import importlib.metadata
import sys

from clock import serve, settle


def main():
    settle()
    import jax
    import rejax

    kind, environment, seeds, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    settings = {name: ast.literal_eval(value) for name, value in (word.split("=") for word in sys.argv[5:])}
    algorithm = rejax.get_algo(kind).create(
        env=environment, total_timesteps=steps, eval_freq=steps, skip_initial_evaluation=True, **settings
    )
    algorithm = algorithm.replace(eval_callback=lambda algorithm, state, key: ())
    keys = jax.random.split(jax.random.key(0), seeds)
    run = jax.jit(lambda keys: jax.vmap(algorithm.train)(keys)[0].q_ts.params)
    one = jax.jit(lambda key: algorithm.train(key)[0].q_ts.params)

    def work():
        jax.block_until_ready(one(keys[0]) if seeds == 1 else run(keys))
        return seeds * steps

    serve(work, {name: importlib.metadata.version(name) for name in ("rejax", "gymnax", "flax", "jax")})


if __name__ == "__main__":
    main()
