"""MushroomRL's Sarsa and Sarsa(λ) on the cliff, as its examples run them: `mushroom_runs.py METHOD STEPS`."""

import importlib.metadata
import sys

from clock import serve, settle


def cliff():
    """Transition and reward arrays of Sutton and Barto's example 6.6."""
    import numpy as np

    chance, reward = np.zeros((48, 4, 48)), np.zeros((48, 4, 48))
    for state in range(47):
        for action, (down, right) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
            row, column = divmod(state, 12)
            row, column = min(max(row + down, 0), 3), min(max(column + right, 0), 11)
            fell = row == 3 and 0 < column < 11
            following = 36 if fell else row * 12 + column
            chance[state, action, following], reward[state, action, following] = 1.0, -100.0 if fell else -1.0
    return chance, reward


def main():
    settle()
    import numpy as np
    from mushroom_rl.algorithms.value import SARSA, SARSALambda
    from mushroom_rl.core import Core
    from mushroom_rl.environments import FiniteMDP
    from mushroom_rl.policy import EpsGreedy
    from mushroom_rl.utils.parameters import Parameter

    method, steps = sys.argv[1], int(sys.argv[2])
    start = np.eye(48)[36]
    world = FiniteMDP(*cliff(), start, 0.95, 1000)
    policy = EpsGreedy(epsilon=Parameter(value=0.1))
    rate = Parameter(value=0.1)
    agent = SARSA(world.info, policy, rate) if method == "sarsa" else SARSALambda(world.info, policy, rate, 0.9)
    core = Core(agent, world)

    def work():
        core.learn(n_steps=steps, n_steps_per_fit=1, quiet=True)
        return steps

    serve(work, {"mushroom_rl": importlib.metadata.version("mushroom_rl")})


if __name__ == "__main__":
    main()
