"""A comparison as data: what is written is what is read, and nothing else is."""

import pytest

import qlearn as ql
from qlearn.comparison import Specification
from qlearn.training import agents_by_name, parse_agent, written_agent

TEXT = """
environments = ["NChain-v0", {id = "FrozenLake-v1", is_slippery = false}]
steps = 400
seeds = [3, 5, 8]
[evaluation]
discount = 0.9
horizon = 50
metric = "online"
margin = 0.1
[agents]
one = "sarsa(learning_rate=0.25)"
[agents.two]
kind = "q-learning"
learning_rate = {kind = "exponential", start = 0.5, decay = 0.999}
exploration = "epsilon-greedy(linear(1, 0.1, over=50), ties=first)"
[agents.three]
kind = "dqn"
model = "mlp(8, 4, activation=tanh)"
optimizer = {kind = "adam", learning_rate = 0.003}
"""


def test_a_file_says_what_python_says():
    asked = Specification.from_toml(TEXT)
    assert asked == Specification(
        {
            "one": ql.Sarsa(learning_rate=0.25),
            "two": parse_agent(
                "q-learning(learning_rate=exponential(0.5, decay=0.999), "
                "exploration=epsilon-greedy(linear(1, 0.1, over=50), ties=first))"
            ),
            "three": parse_agent("dqn(mlp(8, 4, activation=tanh), adam(0.003))"),
        },
        ["NChain-v0", "FrozenLake-v1(is_slippery=False)"],
        steps=400,
        seeds=[3, 5, 8],
        discount=0.9,
        horizon=50,
        metric="online",
        margin=0.1,
    )
    assert Specification.from_toml(asked.to_toml()) == asked


def test_every_agent_that_needs_no_setting_comes_back_from_a_file():
    agents = {}
    for name, (make, _) in agents_by_name().items():
        try:
            agents[name] = make()
        except TypeError:
            continue
    named = {name: agent for name, agent in agents.items() if written_agent(agent) is not None}
    assert len(named) > 30
    asked = Specification(named, "NChain-v0", episodes=1)
    assert Specification.from_toml(asked.to_toml()) == asked


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("steps", "stepz"), "no key 'stepz', did you mean 'steps'"),
        (("margin", "margn"), r"\[evaluation\] has no key 'margn', did you mean 'margin'"),
        (("[evaluation]", "[evaluatio]"), "did you mean 'evaluation'"),
        (('kind = "q-learning"', 'kind = "q-lerning"'), "did you mean 'q-learning'"),
        (("learning_rate = {", "learning_rat = {"), "did you mean 'learning_rate'"),
        (("decay = 0.999", "deca = 0.999"), "did you mean 'decay'"),
        (('kind = "dqn"', 'kin = "dqn"'), "did you mean 'kin'|lacks `kind`"),
        (("sarsa(learning_rate=0.25)", "sarsa(__import__('os'))"), "sarsa"),
        (("steps = 400", "steps = 4.5"), "`steps` .* a whole number"),
        (("steps = 400", "steps = true"), "`steps` .* a whole number"),
        (("steps = 400", "steps = 400\nepisodes = 3"), "either episodes"),
        (('metric = "online"', 'metric = "best"'), "'best' is unknown"),
        (("margin = 0.1", "margin = -1"), "margin=-1"),
        (("seeds = [3, 5, 8]", 'seeds = [3, "a"]'), "seeds"),
        (("seeds = [3, 5, 8]", "seeds = [3, 3]"), "same seed twice"),
        (("NChain-v0", "os:system"), "names the module 'os'.*--import os"),
        (("NChain-v0", "discretised:os:system"), "names the module 'os'"),
        (("NChain-v0", "GymV26Environment-v0(env_id='os:system')"), "may name code"),
        (('id = "FrozenLake-v1", ', ""), "lacks `id`"),
        (("environments = [", "environment = ["), "did you mean 'environments'"),
        (("[agents]", "[agents"), "no TOML"),
    ],
)
def test_what_no_comparison_has_is_refused_with_what_was_meant(change, told):
    with pytest.raises(ql.InputError, match=told):
        Specification.from_toml(TEXT.replace(*change, 1))


def test_what_has_no_name_stays_in_python():
    mine = ql.OneStep(rule=ql.rules.q_learning, discount=0.9)
    with pytest.raises(ql.InputError, match="'mine' is your own"):
        Specification({"mine": mine}, "NChain-v0").to_toml()
    with pytest.raises(ql.InputError, match="made in Python"):
        Specification(ql.Sarsa(), ql.make("NChain-v0")).to_toml()


def test_several_environments_give_a_comparison_each_and_what_follows_from_all(tmp_path):
    agents = [ql.QLearning(), ql.Sarsa()]
    worlds = ["FrozenLake-v1", "NChain-v0(max_episode_steps=20)"]
    suite = ql.compare(agents, *worlds, episodes=5, seeds=4, store=tmp_path)
    assert isinstance(suite, ql.Suite)
    assert [one.environment.name for one in suite] == worlds
    alone = ql.compare(agents, worlds[1], episodes=5, seeds=4, snapshots=0)
    for mine, other in zip(suite[worlds[1]].agents, alone.agents, strict=True):
        assert mine.exact_return == other.exact_return
        assert mine.name == other.name
    assert suite.scores.tasks == tuple(worlds)
    assert worlds[0] in suite.table()
    assert len(suite.to_json()["comparisons"]) == 2
    again = ql.compare(suite.specification, store=tmp_path)
    assert again.to_csv() == suite.to_csv()
    with pytest.raises(ql.InputError, match="itself"):
        ql.compare(suite.specification, "NChain-v0")
    with pytest.raises(ql.InputError, match="there twice"):
        ql.compare(agents, "NChain-v0", "NChain-v0", episodes=2, seeds=2)


def test_the_metric_and_the_margin_of_a_specification_are_those_of_its_scores():
    asked = Specification(ql.QLearning(), "FrozenLake-v1", episodes=5, seeds=4, metric="online", margin=0.3)
    found = ql.compare(asked)
    cell = next(iter(found.scores.cells.values()))
    assert cell.values.tolist() == found.agents[0].online_return.tolist()
    assert found.scores.margin == 0.3
    assert found.scores.metric == "online return"
