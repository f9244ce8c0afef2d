"""rejax: `python rejax_runs.py pqn|dqn ENVIRONMENT SEEDS STEPS [NAME=VALUE …]`.

Names are rejax's settings, all others are its defaults.  Nothing is evaluated unless ``evaluate=True``: as it comes,
rejax plays 128 games at the end of each of its intervals, which is no part of training.
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
    evaluate = settings.pop("evaluate", False)
    settings = {"eval_freq": steps, "skip_initial_evaluation": not evaluate} | settings
    algorithm = rejax.get_algo(kind).create(env=environment, total_timesteps=steps, **settings)
    if not evaluate:
        algorithm = algorithm.replace(eval_callback=lambda algorithm, state, key: ())
    keys = jax.random.split(jax.random.key(0), seeds)
    train = jax.jit(algorithm.train if seeds == 1 else jax.vmap(algorithm.train))

    def work():
        state, evaluations = train(keys[0] if seeds == 1 else keys)
        jax.block_until_ready((state.q_ts.params, evaluations))
        return seeds * steps

    serve(work, {name: importlib.metadata.version(name) for name in ("rejax", "gymnax", "flax", "jax")})


if __name__ == "__main__":
    main()
