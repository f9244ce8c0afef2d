"""What an agent does is pinned: numbers that change without a raised version fail here.

Where a change is meant, raise the agent's `version`, say **changes results** in CHANGELOG.md, and run
`python tests/training/test_digests.py`, which writes digests.json anew.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import qlearn as ql
from qlearn.training import parse_agent, written_agent

FILE = Path(__file__).with_name("digests.json")
AGENTS = [
    "tutorial-reward-sum",
    "tutorial-greedy",
    "tutorial-epsilon-greedy",
    "q-learning(form=code)",
    "q-learning(learning_rate=per-visit(power=0.8), exploration=boltzmann(linear(2, 0.5, over=10)))",
    "sarsa",
    "expected-sarsa",
    "double-q-learning",
    "n-step-sarsa(n=3)",
    "monte-carlo-control",
    "off-policy-monte-carlo",
    "monte-carlo-exploring-starts",
    "offline-lambda-return",
    "monte-carlo-prediction",
    "n-step-td(n=3)",
    "true-online-td-lambda",
    "td-lambda",
    "naive-q-lambda",
    "peng-q-lambda(traces=replacing)",
    "watkins-q-lambda",
    "true-online-sarsa-lambda",
    "sarsa-lambda",
    "q-sigma(n=3, sigma=exponential(1, decay=0.9))",
    "tree-backup(n=3)",
    "n-step-expected-sarsa(n=3)",
    "dyna-q(planning_steps=2)",
    "r-max(reward_max=1, known_after=3)",
    "ucrl2(transition_width=0.1)",
    "posterior-sampling",
    "r-learning",
    "differential-sarsa",
    "differential-q-learning",
    "weighted-q-learning",
    "speedy-q-learning",
    "maxmin-q-learning(num_tables=3)",
    "double-expected-sarsa",
    "prioritised-sweeping",
    "dyna-q-plus(planning_steps=2)",
    "q-learning(exploration=count-bonus(2.0))",
    "q-learning(exploration=upper-confidence(1.5))",
    "thompson-sampling(rewards=bernoulli)",
    "thompson-sampling",
    "gradient-bandit",
    "linear-sarsa(tile-coding(tilings=2, tiles=2, low=0, high=5), n=3)",
    "linear-sarsa(one-hot-features, trace_decay=0.8, traces=dutch)",
    "linear-expected-sarsa(radial-basis(centres=3, low=0, high=5), trace_decay=0.5)",
    "linear-q-learning(fourier(order=2, low=0, high=5), trace_decay=0.5)",
    "linear-prediction(state-aggregation(2), n=None)",
    "online-q-network(mlp(8), adam(0.01))",
    "stream-q(mlp(8, layer_norm=True))",
    "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40, n_step=2)",
    "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40, "
    "n_step=3, double=True, dueling=True, noisy=True, head=categorical(0, 100, atoms=11), "
    "priorities=priorities(exponent=0.5))",
    "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40, "
    "munchausen=munchausen, head=quantiles(count=5))",
    "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40, "
    "updates=2, priorities=priorities, head=implicit-quantiles(samples=4, target_samples=4))",
    "pqn(mlp(8), adam(0.01), num_environments=2, num_steps=10, minibatches=4)",
]


def digest(text):
    """Of what was done: visits and returns, which rounding in the last bit does not touch."""
    content = hashlib.sha256()
    if "mlp" in text or "linear-" in text:
        # matrix products differ in the last bits from CPU to CPU: few steps, and three decimals
        runs = ql.train(parse_agent(text), "NChain-v0(max_episode_steps=30)", steps=120, seeds=[0, 1, 77])
        content.update(np.round(runs.returns, 6).astype("<f8").tobytes())
        content.update((np.round(runs.q_table.astype("<f8"), 3) + 0.0).tobytes())
        return content.hexdigest()[:16]
    for name in ("NChain-v0(n=4)", "FrozenLake-v1"):
        runs = ql.train(parse_agent(text), name, episodes=5, seeds=[0, 1, 77])
        content.update(runs.visits.astype("<i8").tobytes())
        content.update(np.round(runs.returns, 6).astype("<f8").tobytes())
        if getattr(runs.agent, "predicts", False):  # what it does says nothing of what it learns
            content.update((np.round(runs.q_table.astype("<f8"), 3) + 0.0).tobytes())
    return content.hexdigest()[:16]


@pytest.mark.parametrize("text", AGENTS)
def test_an_agents_numbers_change_only_with_its_version(text):
    agent = parse_agent(text)
    assert json.loads(FILE.read_text())[written_agent(agent)] == {"version": agent.version, "digest": digest(text)}


if __name__ == "__main__":
    found = {written_agent(a): {"version": a.version, "digest": digest(t)} for t in AGENTS for a in [parse_agent(t)]}
    FILE.write_text(json.dumps(found, indent=1) + "\n")
