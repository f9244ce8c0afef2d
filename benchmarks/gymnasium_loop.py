"""The yardstick: ε-greedy Q-learning in a plain loop over a Gymnasium environment, for so many steps.

As a careful tutorial writes it today: `gymnasium.make` with its wrappers, a numpy table, bootstrapping that
stops at termination and goes on through truncation.
"""

import time

import gymnasium
import numpy as np

PROBLEMS = {
    "frozenlake8x8": ("FrozenLake-v1", {"map_name": "8x8"}),
    "taxi": ("Taxi-v4", {}),
}
LEARNING_RATE, DISCOUNT, EPSILON = 0.1, 0.99, 0.1


def learn(problem, steps, seed):
    """The table after `steps` steps, and how many episodes have ended by then."""
    env_id, arguments = PROBLEMS[problem]
    env = gymnasium.make(env_id, **arguments)
    rng = np.random.default_rng(seed)
    num_actions = int(env.action_space.n)
    q_table = np.zeros((int(env.observation_space.n), num_actions))
    state, _ = env.reset(seed=seed)
    num_episodes = 0
    for _ in range(steps):
        action = rng.integers(num_actions) if rng.random() < EPSILON else np.argmax(q_table[state])
        new_state, reward, terminated, truncated, _ = env.step(int(action))
        target = reward if terminated else reward + DISCOUNT * np.max(q_table[new_state])
        q_table[state, action] += LEARNING_RATE * (target - q_table[state, action])
        state = new_state
        if terminated or truncated:
            state, _ = env.reset()
            num_episodes += 1
    env.close()
    return q_table, num_episodes


def run(problem, steps, seed):
    """Steps per second of process time."""
    start = time.process_time()
    learn(problem, steps, seed)
    return steps / (time.process_time() - start)
