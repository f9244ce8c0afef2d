"""Stable-Baselines3's DQN on CartPole-v1: `python sb3_dqn.py zoo|cleanrl STEPS`.

"zoo" is the line of RL Zoo (its hyperparams/dqn.yml), "cleanrl" the setting of CleanRL's dqn.py.  Learning starts after
1,000 steps in both, so that a short run shows the speed of learning.
"""

import importlib.metadata
import sys

from clock import serve, settle

SETTINGS = {
    "zoo": {
        "learning_rate": 2.3e-3,
        "batch_size": 64,
        "buffer_size": 100_000,
        "learning_starts": 1000,
        "gamma": 0.99,
        "target_update_interval": 10,
        "train_freq": 256,
        "gradient_steps": 128,
        "exploration_fraction": 0.16,
        "exploration_final_eps": 0.04,
        "policy_kwargs": {"net_arch": [256, 256]},
    },
    "cleanrl": {
        "learning_rate": 2.5e-4,
        "batch_size": 128,
        "buffer_size": 10_000,
        "learning_starts": 1000,
        "gamma": 0.99,
        "target_update_interval": 500,
        "train_freq": 10,
        "gradient_steps": 1,
        "exploration_fraction": 0.5,
        "exploration_final_eps": 0.05,
        "policy_kwargs": {"net_arch": [120, 84]},
    },
}


def main():
    settle()
    import torch
    from stable_baselines3 import DQN

    torch.set_num_threads(1)
    setting, steps = SETTINGS[sys.argv[1]], int(sys.argv[2])

    def work():
        DQN("MlpPolicy", "CartPole-v1", seed=0, device="cpu", **setting).learn(steps)
        return steps

    serve(work, {name: importlib.metadata.version(name) for name in ("stable_baselines3", "torch", "gymnasium")})


if __name__ == "__main__":
    main()
