"""The builder says what the problem's statement says."""

import numpy as np
import pytest

from qlearn.environments import FiniteMDP, MDPBuilder
from qlearn.environments.nchain import nchain_model
from qlearn.errors import InputError


def test_nchain_can_be_written_down_as_it_is_told():
    b = MDPBuilder("chain")
    b.states(*"01234")
    b.actions("forward", "backward")
    for state in "01234":
        onward, paid = (str(int(state) + 1), 0) if state != "4" else ("4", 10)
        b.on(state, "forward").goes_to("0", probability=0.2, reward=2).goes_to(onward, reward=paid)
        b.on(state, "backward").goes_to(onward, probability=0.2, reward=paid).goes_to("0", reward=2)
    b.ends_after(1000)
    assert b.build().digest == nchain_model().digest


def test_what_is_left_goes_to_the_outcome_without_a_probability():
    b = MDPBuilder()
    b.on("A", "go").goes_to("B", probability=0.25).stays().ends(probability=0.5, reward=3)
    b.on("B", "go").ends()
    mdp = b.build()
    assert mdp.probability.tolist() == [0.25, 0.25, 0.5, 1.0]
    assert mdp.terminated.tolist() == [False, False, True, True]
    assert mdp.next_state.tolist() == [1, 0, 0, 1]
    assert mdp.initial.tolist() == [1, 0]


def test_terminal_states_end_the_episode_and_need_no_actions():
    b = MDPBuilder("walk")
    b.starts_in({"B": 0.5, "C": 0.5})
    b.on("B", "on").goes_to("left", probability=0.5).goes_to("C")
    b.on("C", "on").goes_to("B", probability=0.5).goes_to("right", reward=1)
    b.terminal("left", "right")
    mdp = b.build()
    assert mdp.state_names == ("B", "C", "left", "right")
    assert mdp.terminal_states.tolist() == [False, False, True, True]
    assert mdp.initial.tolist() == [0.5, 0.5, 0, 0]
    np.testing.assert_array_equal(mdp.expected_reward.ravel(), [0, 0.5, 0, 0])


def test_an_outcome_may_end_in_a_named_state():
    b = MDPBuilder()
    b.on("A", "go").goes_to("G", reward=1, ends=True)
    mdp = b.build()
    assert mdp.terminal_states.tolist() == [False, True]
    assert mdp.next_state.tolist() == [1, 1]


def test_noise_belongs_to_its_outcome():
    b = MDPBuilder()
    b.on("A", "left").goes_to("B")
    b.on("A", "right").ends()
    b.on("B", "left").ends(reward=-0.1, reward_noise=1)
    mdp = b.build(time_limit=5, name="bias")
    assert mdp.reward_std.tolist() == [0, 0, 1]
    assert (mdp.time_limit, mdp.name) == (5, "bias")
    assert mdp.legal.tolist() == [[True, True], [True, False]]


def test_a_maze_that_changes_is_two_models():
    def room(blocked):
        b = MDPBuilder("room")
        b.on("A", "walk").stays() if blocked else b.on("A", "walk").ends(reward=1)
        return b.build()

    mdp = room(False).changing_to(room(True), at_step=1000)
    assert isinstance(mdp, FiniteMDP)
    assert [at for at, _ in mdp.changes] == [1000]


def test_a_name_that_was_not_declared_is_a_near_miss():
    b = MDPBuilder()
    b.states("hall", "study")
    b.actions("push")
    with pytest.raises(InputError, match="'stduy' is not among the declared states, did you mean 'study'"):
        b.on("hall", "push").goes_to("stduy")
    with pytest.raises(InputError, match="'zzzz' is not among the declared actions; the actions are 'push'"):
        b.on("hall", "zzzz")
    with pytest.raises(InputError, match="3 is no name"):
        b.on(3, "push")


def test_probabilities_that_do_not_add_up_are_named():
    b = MDPBuilder()
    clause = b.on("A", "go").goes_to("A", probability=0.5)
    with pytest.raises(InputError, match=r"`P\[0, 0\]` \(state 'A', action 'go'\) sums to 0.5"):
        b.build()
    clause.stays()
    with pytest.raises(InputError, match="On 'go' in 'A' two outcomes have no probability"):
        clause.ends()
    clause.goes_to("A", probability=0.5)
    with pytest.raises(InputError, match="leave nothing for the one without a probability: the others sum to 1"):
        b.build()


def test_a_state_that_leads_nowhere_is_named():
    b = MDPBuilder()
    b.on("A", "go").goes_to("B")
    with pytest.raises(InputError, match=r"state 1 \('B'\) has no action"):
        b.build()


def test_a_builder_without_a_sentence_is_refused():
    with pytest.raises(InputError):
        MDPBuilder().build()


def test_an_outcome_of_probability_0_is_left_out_with_its_noise():
    b = MDPBuilder()
    b.on("a", "go").goes_to("b", probability=0, reward_noise=5).stays(probability=1, reward_noise=2)
    b.on("b", "go").ends()
    assert b.build().reward_std.tolist() == [2, 0]
