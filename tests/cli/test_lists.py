"""`qlearn envs` and `qlearn agents`: everything listed can be used."""

from qlearn.environments.problems import PROBLEMS


def on_device(identity):
    return identity in PROBLEMS and PROBLEMS[identity].device


def test_every_environment_listed_with_states_can_be_solved(qlearn):
    found = qlearn("envs", "--json").json["environments"]
    assert found[0]["id"] == "NChain-v0"
    modelled = [row for row in found if row["num_states"] is not None and not on_device(row["id"])]
    assert len(modelled) > 5
    for row in modelled:
        alone = "(at_step=0)" if row["id"] in ("BlockingMaze-v0", "ShortcutMaze-v0") else ""  # a change has two optima
        assert qlearn("solve", f"{row['id']}{alone}", "--discount", "0.9", "--json").code == 0


def test_environments_without_states_are_listed_with_the_shape_of_what_they_show(qlearn):
    found = {row["id"]: row for row in qlearn("envs", "--json").json["environments"]}
    assert found["CartPole-v1"]["num_states"] is None
    assert found["CartPole-v1"]["observation_shape"] == [4]
    assert "4 numbers" in qlearn("envs").out
    assert "5 states" in qlearn("envs").out


def test_every_agent_listed_can_be_read_again_with_its_settings(qlearn):
    from qlearn.training import parse_agent

    found = qlearn("agents", "--json").json["agents"]
    assert {"q-learning", "sarsa", "reward-sum", "tutorial-greedy"} <= {row["name"] for row in found}
    needed = {"model": "mlp(8)", "optimizer": "adam()", "environment": "CartPole-v1", "features": "one-hot-features()"}
    for row in found:
        needed |= {"agent": "dqn"} if row["name"] == "preset" else {"agent": "sarsa", "fault": "first-index-ties"}
        given = {key: needed.get(key, "10") if value is None else value for key, value in row["settings"].items()}
        agent = parse_agent(f"{row['name']}({', '.join(f'{key}={value}' for key, value in given.items())})")
        assert agent.label
        assert row["summary"]


def test_people_get_one_line_each_and_nothing_of_json(qlearn):
    assert "Taxi-v4" in qlearn("envs").out
    assert "q-learning" in qlearn("agents").out
