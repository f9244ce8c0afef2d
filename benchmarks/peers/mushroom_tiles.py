"""MushroomRL's tile-coded Sarsa(λ) on mountain car, as its example runs it: `mushroom_tiles.py DECAY STEPS`.

With λ 0 it is its Sarsa on features.  Eight tilings of nine tiles each way; its tilings are displaced evenly.
"""

import importlib.metadata
import math
import sys

from clock import serve, settle


def car():
    """Sutton and Barto's mountain car as one of its environments; nothing but a few lines of Python a step."""
    import numpy as np
    from mushroom_rl.core import Environment, MDPInfo
    from mushroom_rl.utils import spaces

    random = np.random.default_rng(0)

    class Car(Environment):
        def __init__(self):
            box = spaces.Box(low=np.array([-1.2, -0.07]), high=np.array([0.5, 0.07]))
            super().__init__(MDPInfo(box, spaces.Discrete(3), 1.0, 10**9))

        def reset(self, state=None):
            self.state = np.array([random.uniform(-0.6, -0.4), 0.0])
            return self.state

        def step(self, action):
            position, velocity = self.state
            velocity = min(max(velocity + 0.001 * (action[0] - 1) - 0.0025 * math.cos(3 * position), -0.07), 0.07)
            position = min(max(position + velocity, -1.2), 0.5)
            self.state = np.array([position, 0.0 if position == -1.2 else velocity])
            return self.state, -1.0, position == 0.5, {}

    return Car()


def main():
    settle()
    from mushroom_rl.algorithms.value import SARSALambdaContinuous
    from mushroom_rl.approximators.parametric import LinearApproximator
    from mushroom_rl.core import Core
    from mushroom_rl.features import Features
    from mushroom_rl.features.tiles import Tiles
    from mushroom_rl.policy import EpsGreedy
    from mushroom_rl.utils.parameters import Parameter

    decay, steps = float(sys.argv[1]), int(sys.argv[2])
    world = car()
    box = world.info.observation_space
    features = Features(tilings=Tiles.generate(8, [9, 9], box.low, box.high))
    sizes = {"input_shape": (features.size,), "output_shape": (3,), "n_actions": 3}
    policy, rate = EpsGreedy(epsilon=Parameter(value=0.0)), Parameter(value=0.5 / 8)
    agent = SARSALambdaContinuous(world.info, policy, LinearApproximator, rate, decay, features, sizes)
    core = Core(agent, world)

    def work():
        core.learn(n_steps=steps, n_steps_per_fit=1, quiet=True)
        return steps

    serve(work, {"mushroom_rl": importlib.metadata.version("mushroom_rl")})


if __name__ == "__main__":
    main()
