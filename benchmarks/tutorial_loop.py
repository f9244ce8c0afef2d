"""The yardstick: ε-greedy Q-learning on NChain as a numpy tutorial writes it.

One environment object, one numpy table, one Python loop over steps; `np.random` and `np.argmax` at each.
The problem and the algorithm are those of the 2018 tutorial: discount 0.95, learning rate 0.8, ε = 0.5
times 0.999 at the start of each episode, a uniform action where the row sums to 0, ties to the lowest
index.  The update is the text's rule.

The environment counts its own 1,000 steps.  The tutorial's came out of `gym.make`, in wrappers that cost
time at every step, so this loop is rather faster than the tutorial's own: what is held against it is
understated.
"""

# ruff: noqa: NPY002 (tutorials draw from the global generator)

import time

import numpy as np

ACTIONS = 2


class NChain:
    """The chain of five states with Gymnasium's `reset` and `step`; 0 is forward, 1 is backward."""

    def __init__(self, n=5, slip=0.2, small=2, large=10, max_steps=1000):
        self.n, self.slip, self.small, self.large, self.max_steps = n, slip, small, large, max_steps
        self.np_random = np.random.default_rng()
        self.state = self.elapsed = 0

    def reset(self, seed=None):
        if seed is not None:
            self.np_random = np.random.default_rng(seed)
        self.state = self.elapsed = 0
        return self.state, {}

    def step(self, action):
        if self.np_random.random() < self.slip:
            action = 1 - action
        if action == 1:
            reward, self.state = self.small, 0
        elif self.state < self.n - 1:
            reward, self.state = 0, self.state + 1
        else:
            reward = self.large
        self.elapsed += 1
        return self.state, reward, False, self.elapsed >= self.max_steps, {}


def q_learning(env, num_episodes=500, discount=0.95, learning_rate=0.8, epsilon=0.5, decay=0.999):
    """The table that ε-greedy Q-learning has learnt after the last episode, and each episode's return."""
    q_table = np.zeros((env.n, ACTIONS))
    returns = []
    for _ in range(num_episodes):
        state, _ = env.reset()
        epsilon *= decay
        episode_return = 0
        done = False
        while not done:
            if np.random.random() < epsilon or np.sum(q_table[state, :]) == 0:
                action = np.random.randint(0, ACTIONS)
            else:
                action = np.argmax(q_table[state, :])
            new_state, reward, terminated, truncated, _ = env.step(action)
            target = reward + discount * np.max(q_table[new_state, :])
            q_table[state, action] += learning_rate * (target - q_table[state, action])
            episode_return += reward
            state = new_state
            done = terminated or truncated
        returns.append(episode_return)
    return q_table, np.array(returns)


def learn(episodes, steps, seed, **settings):
    """One seeded run: the table and the returns."""
    np.random.seed(seed)
    env = NChain(max_steps=steps)
    env.reset(seed=seed)
    return q_learning(env, episodes, **settings)


def run(episodes, steps, seed):
    """Steps per second of process time."""
    start = time.process_time()
    learn(episodes, steps, seed)
    return episodes * steps / (time.process_time() - start)
