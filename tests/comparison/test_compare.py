"""Comparisons: the tutorial's facts, the names that other programs rely on, and small numbers of seeds."""

import csv
import io
import json
import shlex
import sys

import numpy as np
import pytest

import qlearn as ql
from qlearn.errors import InputError, Interrupted
from qlearn.planning import epsilon_soft, evaluate_policies
from qlearn.statistics import probability_of_improvement, wilson_interval
from qlearn.training import parse_agent


def no_nan(thing):
    return json.loads(json.dumps(thing, allow_nan=False))


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [(0, 1526.8, 6.0), (1, 1517.2, 8.5), (2, 2226.3, 18.1)],
    ids=["sum", "greedy", "ε-greedy"],
)
def test_the_tutorials_agents_are_worth_what_it_says(tutorial, place, value, error):
    found = tutorial.agents[place].exact
    assert found.mean == pytest.approx(value, abs=4 * np.hypot(error, found.standard_error))


@pytest.mark.parametrize(("place", "share"), [(0, 0.0005), (1, 0.004), (2, 0.129)])
def test_the_share_of_optimal_policies_is_the_tutorials(tutorial, place, share):
    expected = np.sqrt(share * (1 - share) * (1 / 300 + 1 / 2000))
    assert tutorial.agents[place].share_optimal == pytest.approx(share, abs=4 * expected)


def test_optimum_ceiling_and_control_are_the_tutorials(tutorial):
    assert tutorial.optimum == pytest.approx(3663.6928, abs=1e-4)
    assert tutorial.ceiling == pytest.approx(3665.8324, abs=1e-4)
    assert tutorial.uniform == pytest.approx(1311.25, abs=5e-3)
    assert tutorial.discount == 0.95


def test_the_verdict_finds_the_winner_and_no_difference_between_the_others(tutorial):
    by_names = {(pair.first, pair.second): pair for pair in tutorial.pairs}
    assert by_names["reward sum", "ε-greedy Q-learning"].significant
    assert by_names["greedy Q-learning", "ε-greedy Q-learning"].significant
    told = tutorial.verdict
    assert "ε-greedy Q-learning is better than reward sum by" in told
    assert "ε-greedy Q-learning is better than greedy Q-learning by" in told
    assert "of the optimum of 3663.7" in told


def test_the_winner_beats_each_of_the_others_in_about_four_cases_of_five(tutorial):
    first, second, winner = tutorial.agents
    values = [np.array(agent.exact_return) for agent in tutorial.agents]
    assert winner.beats["reward sum"].probability == probability_of_improvement(values[2], values[0]).probability
    assert winner.beats["reward sum"].probability + first.beats[winner.name].probability == pytest.approx(1)
    assert 0.65 < winner.beats[second.name].interval.low < winner.beats[second.name].probability < 0.95


def test_the_ceiling_of_what_exploring_leaves_lies_above_the_tutorials_optimal_policy(tutorial):
    """It plays always forward but for its ε: 1.882 a step in episodes 1–50, where another policy does better."""
    found = tutorial.agents[2].exploring
    assert found.epsilon == pytest.approx(0.4995 * 0.999**499, rel=1e-5)
    epsilons = 0.4995 * 0.999 ** np.arange(50)
    soft = np.stack([1 - epsilons / 2, epsilons / 2], axis=1)[:, None, :].repeat(5, axis=1)
    forward = evaluate_policies(tutorial.environment, soft)
    assert forward.mean() / 1000 == pytest.approx(1.882, abs=0.0006)
    ceiling = np.interp(np.arange(1, 51), found.episodes, found.ceiling)
    assert (ceiling > forward).all()
    assert found.best == pytest.approx(epsilon_soft(tutorial.environment, found.epsilon, 0.95).expected_return)
    assert found.ceiling[-1] >= found.best
    assert tutorial.agents[0].exploring is None


def test_json_has_the_names_that_other_programs_rely_on(small):
    found = no_nan(small.to_json())
    assert found["optimum"] == pytest.approx(3663.6928, abs=1e-4)
    assert [agent["name"] for agent in found["agents"]] == ["reward sum", "ε-greedy Q-learning"]
    for agent in found["agents"]:
        assert len(agent["exact_return"]) == len(agent["online_return"]) == 12
        assert 0 <= agent["share_optimal"] <= 1
        assert isinstance(agent["wins"], int)
    assert sum(agent["wins"] for agent in found["agents"]) == 12
    assert sum(agent["wins_exact"] for agent in found["agents"]) == pytest.approx(12)


def test_online_return_is_the_mean_over_a_seeds_episodes(small):
    for agent in small.agents:
        assert agent.online_return == pytest.approx(agent.runs.returns.mean(axis=1))


def test_intervals_come_from_the_room_of_statistics(small):
    agent = small.agents[1]
    optimal = int(agent.evaluation.optimal.sum())
    assert agent.share_optimal_interval == wilson_interval(optimal, 12)
    low, high = agent.exact.interval
    assert low < agent.exact.mean < high
    assert agent.quartiles == pytest.approx(tuple(np.quantile(agent.exact_return, [0.25, 0.5, 0.75])))
    assert agent.regret_percent == pytest.approx(100 * (1 - agent.exact.mean / small.optimum))


def test_csv_has_a_line_for_each_agent_and_seed(small):
    rows = list(csv.DictReader(io.StringIO(small.to_csv())))
    assert len(rows) == 24
    assert [float(row["exact_return"]) for row in rows[:12]] == small.agents[0].exact_return
    assert {row["seed"] for row in rows} == {str(seed) for seed in range(12)}


def test_latex_escapes_what_latex_reads(small):
    text = small.to_latex()
    assert r"$\varepsilon$-greedy Q-learning" in text
    assert r"\begin{tabular}" in text
    assert "ε" not in text
    assert "%" not in text.split("\n", 1)[1].replace(r"\%", "")


def test_the_printed_command_makes_the_same_agents(small):
    words = shlex.split(small.command)
    assert words[:3] == ["qlearn", "compare", "NChain-v0"]
    assert words[5:] == ["--episodes", "8", "--seeds", "12"]
    assert [parse_agent(text) for text in words[3:5]] == [agent.runs.agent for agent in small.agents]


def test_one_agent_alone_is_described_and_not_compared():
    found = ql.compare([ql.QLearning()], "NChain-v0", episodes=3, seeds=4, snapshots=0)
    assert found.pairs == ()
    assert "nothing is compared" in found.verdict
    assert found.agents[0].beats == {}
    assert found.agents[0].wins == 4
    no_nan(found.to_json())


def test_one_seed_gives_no_interval_and_no_claim():
    found = ql.compare([ql.RewardSum(), ql.QLearning()], "NChain-v0", episodes=3, seeds=1, snapshots=2)
    row = found.agents[0]
    assert (row.exact.interval, row.share_optimal_interval, row.online.interval) == (None, None, None)
    assert found.pairs[0].p_value is None
    assert "With one run each no difference is claimed" in found.verdict
    assert "better than" not in found.verdict.replace("Not shown to be better than", "")
    no_nan(found.to_json())
    assert "–" in str(found)


def test_three_seeds_give_intervals_but_no_significance():
    agents = [ql.QLearning(learning_rate=0.1), ql.QLearning(learning_rate=0.1, initial_value=-1e6)]
    found = ql.compare(agents, "NChain-v0", episodes=3, seeds=3, snapshots=0)
    assert found.agents[0].exact.interval is not None
    assert not any(pair.significant for pair in found.pairs)
    assert "no difference is claimed" in found.verdict
    assert "three runs or fewer" in found.verdict


def test_equal_agents_tie_everywhere_and_get_names_of_their_own():
    found = ql.compare([ql.QLearning(), ql.QLearning()], "NChain-v0", episodes=3, seeds=5, snapshots=0)
    first, second = found.agents
    assert (first.name, second.name) == ("ε-greedy Q-learning #1", "ε-greedy Q-learning #2")
    assert first.beats[second.name].probability == 0.5
    assert first.wins + second.wins == 5
    assert (first.wins_exact, second.wins_exact) == (2.5, 2.5)
    assert "have the same value in every seed" in found.verdict


def test_agents_are_judged_at_their_own_discount():
    found = ql.compare([ql.QLearning(discount=0.5), ql.QLearning()], "NChain-v0", episodes=3, seeds=4, snapshots=0)
    short, far = found.agents
    assert short.evaluation.optimum == ql.solve(found.environment, 0.5).expected_return < 2000
    assert far.evaluation.optimum == pytest.approx(3663.6928, abs=1e-4)
    assert short.name == "ε-greedy Q-learning (discount 0.5)"
    assert any("own discount" in note for note in found.notes)


def test_with_a_budget_in_steps_episodes_may_be_none():
    found = ql.compare([ql.QLearning()], "NChain-v0", steps=500, seeds=3)
    assert found.agents[0].online is None
    assert no_nan(found.to_json())["agents"][0]["online_return"] == [None, None, None]


def test_a_comparison_needs_an_agent_and_a_budget():
    with pytest.raises(InputError, match="no agent"):
        ql.compare([], "NChain-v0", episodes=1)
    with pytest.raises(InputError, match="budget"):
        ql.compare([ql.QLearning()], "NChain-v0")


def test_an_interruption_hands_over_what_was_trained(monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["qlearn.comparison.compare"], "judge", stop)
    with pytest.raises(Interrupted) as stopped:
        ql.compare([ql.QLearning()], "NChain-v0", episodes=2, seeds=2)
    assert stopped.value.runs[0].complete


def test_a_comparison_is_the_same_again(small):
    agents = [ql.RewardSum(), ql.QLearning(discount=0.95)]
    again = ql.compare(agents, "NChain-v0", episodes=8, seeds=12, snapshots=4)
    assert again.to_csv() == small.to_csv()


@pytest.mark.parametrize("wrong", [{"discount": 1.5}, {"discount": "x"}, {"horizon": 2.5}, {"horizon": "x"}])
def test_what_cannot_judge_is_refused_before_the_training(monkeypatch, wrong):
    monkeypatch.setattr("qlearn.training.train_many", lambda *_, **__: pytest.fail("it trained"))
    for verb in (ql.compare, ql.tournament):
        with pytest.raises(InputError, match=next(iter(wrong))):
            verb([ql.QLearning()], "NChain-v0", episodes=1, **wrong)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"rounds": "x"}, {"rounds": None}, {"seed": -1}, {"seed": 1.5}])
def test_rounds_and_their_first_seed_are_whole_numbers(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}=.* is not usable"):
        ql.tournament([ql.QLearning()], "NChain-v0", episodes=1, **wrong)
