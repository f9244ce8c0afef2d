"""The dataclass: what it refuses and how it says so, what it derives, and how large it can be."""

import pickle
import resource
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from qlearn.environments import FiniteMDP
from qlearn.environments.nchain import nchain_model
from qlearn.errors import InputError

TWO = {
    "name": "two",
    "num_states": 2,
    "num_actions": 2,
    "offsets": [0, 1, 2, 4, 4],
    "probability": [1.0, 1.0, 0.25, 0.75],
    "next_state": [0, 1, 0, 1],
    "reward": [0.0, 1.0, 2.0, -2.0],
    "terminated": [False, False, False, True],
    "initial": [1.0, 0.0],
    "state_names": ("A", "B"),
    "action_names": ("left", "right"),
}


def two(**changes):
    return FiniteMDP(**{**TWO, **changes})


def test_a_model_knows_its_legal_actions_mean_rewards_and_ends():
    mdp = two()
    assert mdp.legal.tolist() == [[True, True], [True, False]]
    np.testing.assert_array_equal(mdp.expected_reward, [[0, 1], [0.5 - 1.5, 0]])
    assert mdp.can_terminate
    assert not nchain_model().can_terminate


def test_the_transition_matrix_leaves_out_what_ends_the_episode():
    matrix = two().transition_matrix()
    assert matrix.shape == (4, 2)
    np.testing.assert_array_equal(matrix.toarray(), [[1, 0], [0, 1], [0.25, 0], [0, 0]])


def test_outcomes_that_lead_to_the_same_state_are_added_up_in_the_matrix_only():
    mdp = two(probability=[1, 1, 0.25, 0.75], next_state=[0, 1, 1, 1], terminated=[False] * 4)
    assert mdp.transition_matrix().toarray()[2].tolist() == [0, 1]
    assert mdp.next_state.size == 4


def test_a_state_entered_only_by_ends_is_terminal():
    assert two().terminal_states.tolist() == [False, False]
    mdp = FiniteMDP.from_arrays([[[0, 1.0, 0]], [[0, 0, 1.0]], [[0, 0, 1.0]]], R=0.0, terminals=[2])
    assert mdp.terminal_states.tolist() == [False, False, True]


def test_the_arrays_are_read_only_and_not_the_callers():
    mine = np.array(TWO["reward"])
    mdp = two(reward=mine)
    mine[0] = 99
    assert mdp.reward[0] == 0
    for field in ("offsets", "probability", "next_state", "reward", "terminated", "initial", "legal"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(mdp, field)[0] = 1
    with pytest.raises(FrozenInstanceError):
        mdp.name = "other"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"probability": [1, 1, 0.22, 0.75]},
            "`P[1, 0]` (state 'B', action 'left') sums to 0.97; a row must sum to 1",
        ),
        (
            {"probability": [1, 1, 0.25, -0.75]},
            "`P[1, 0]` (state 'B', action 'left') has an outcome of probability -0.75",
        ),
        (
            {"probability": [1, 1, np.nan, 1]},
            "`P[1, 0]` (state 'B', action 'left') has an outcome of probability nan",
        ),
        (
            {"next_state": [0, 2, 0, 1]},
            "`P[0, 1]` (state 'A', action 'right') leads to state 2; states are 0 to 1",
        ),
        ({"next_state": [0, -1, 0, 1]}, "`P[0, 1]` (state 'A', action 'right') leads to state -1"),
        ({"next_state": [0, 0.5, 0, 1]}, "`next_state` holds fractions"),
        ({"reward": [0, np.inf, 0, 0]}, "`P[0, 1]` (state 'A', action 'right') pays inf"),
        ({"reward": [0, 1, 2]}, "`reward` has 3 entries, `offsets` ends at 4"),
        ({"reward": ["a", "b", "c", "d"]}, "`reward` has dtype <U1"),
        ({"reward_std": [0, 0, 0, -1]}, "has a reward with standard deviation -1"),
        ({"terminated": [0, 1, 2, 0]}, "`terminated` holds other values than True and False"),
        ({"offsets": [0, 1, 2, 4]}, "`offsets` has 4 entries; 2 states × 2 actions need 5"),
        ({"offsets": [0, 2, 1, 4, 4]}, "`offsets[2]` is 1; offsets start at 0 and never fall"),
        ({"offsets": [1, 1, 2, 4, 4]}, "`offsets[0]` is 1"),
        ({"offsets": [0, 2, 4, 4, 4], "probability": [0.5, 0.5, 0.5, 0.5]}, "state 1 ('B') has no action"),
        ({"initial": [0.5, 0.4]}, "`initial` sums to 0.9"),
        ({"initial": [1.5, -0.5]}, "`initial` gives state 1 ('B') the probability -0.5"),
        ({"initial": [1.0]}, "`initial` has 1 entries; there are 2 states"),
        ({"state_names": ("A",)}, "`state_names` has 1 names; 2 are needed"),
        ({"action_names": ("go", "go")}, "`action_names` has 'go' twice"),
        ({"time_limit": 0}, "`time_limit` is 0"),
        ({"time_limit": 2.5}, "`time_limit` is 2.5"),
        ({"num_states": 0}, "`num_states` is 0"),
    ],
)
def test_a_wrong_model_is_refused_by_name(changes, message):
    with pytest.raises(InputError) as caught:
        two(**changes)
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_sum_that_is_almost_one_is_printed_with_enough_digits():
    with pytest.raises(InputError, match=r"sums to 1\.0000001"):
        two(probability=[1, 1, 0.25, 0.7500001])
    two(probability=[1, 1, 0.25, 0.75 + 5e-10])


def test_rows_are_normalized_when_asked():
    mdp = FiniteMDP.from_arrays([[[2.0, 2.0]], [[0.0, 3.0]]], R=0.0, normalize=True)
    assert mdp.probability.tolist() == [0.5, 0.5, 1.0]


def test_gymnasium_tables_keep_the_order_of_outcomes_and_drop_the_impossible():
    mdp = FiniteMDP.from_gymnasium(
        {
            0: {0: [(0.3, 1, 5.0, False), (0.0, 0, 9.0, True), (0.7, 0, 1.0, False)]},
            1: {1: [(1.0, 0, 0, True)]},
        }
    )
    assert mdp.next_state.tolist() == [1, 0, 0]
    assert mdp.probability.tolist() == [0.3, 0.7, 1.0]
    assert mdp.legal.tolist() == [[True, False], [False, True]]


def test_gymnasium_tables_with_gaps_or_odd_entries_are_refused():
    with pytest.raises(InputError, match="none with the number 0"):
        FiniteMDP.from_gymnasium({1: {0: [(1.0, 0, 0, True)]}})
    with pytest.raises(InputError, match=r"`P\[0, 0\]` is .* must be a list of"):
        FiniteMDP.from_gymnasium({0: {0: [(1.0, 0)]}})
    with pytest.raises(InputError, match="`initial` is 3"):
        FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 0, True)]}}, initial=3)


def random_arrays(seed, S=6, A=3):
    rng = np.random.default_rng(seed)
    P = rng.random((S, A, S)) * (rng.random((S, A, S)) < 0.5)
    P[:, :, 0] += 0.1
    P /= P.sum(axis=2, keepdims=True)
    return P, rng.normal(size=(S, A, S))


@given(st.integers(0, 10_000))
def test_all_forms_of_arrays_give_the_same_model(seed):
    P, R = random_arrays(seed)
    S, A, _ = P.shape
    by_action, rewards = list(P.transpose(1, 0, 2)), list(R.transpose(1, 0, 2))
    forms = [
        (P, R),
        (P.tolist(), R.tolist()),
        (by_action, rewards),
        ([sparse.csr_array(p) for p in by_action], [sparse.csr_array(r) for r in rewards]),
        ([sparse.coo_matrix(p) for p in by_action], rewards),
        (sparse.csc_array(P.reshape(S * A, S)), sparse.csr_array(R.reshape(S * A, S))),
    ]
    models = [FiniteMDP.from_arrays(*form, initial=2, terminals=[4]) for form in forms]
    assert len({model.digest for model in models}) == 1
    np.testing.assert_allclose(models[0].expected_reward, (P * R).sum(axis=2))
    going_on = P.reshape(S * A, S).copy()
    going_on[:, 4] = 0
    np.testing.assert_allclose(models[0].transition_matrix().toarray(), going_on)
    assert models[0].initial.tolist() == [0, 0, 1, 0, 0, 0]


def test_rewards_may_be_a_number_by_state_or_by_state_and_action():
    P, _ = random_arrays(0)
    S, A, _ = P.shape
    R = np.arange(S * A).reshape(S, A)
    np.testing.assert_allclose(FiniteMDP.from_arrays(P, R).expected_reward, R)
    np.testing.assert_allclose(FiniteMDP.from_arrays(P, R[:, 0]).expected_reward, R[:, [0]].repeat(A, axis=1))
    np.testing.assert_allclose(FiniteMDP.from_arrays(P, 3).expected_reward, 3.0)
    with pytest.raises(InputError, match=r"`R` has shape \(4,\)"):
        FiniteMDP.from_arrays(P, np.zeros(4))


def test_a_row_of_zeros_is_an_action_that_is_not_legal():
    mdp = FiniteMDP.from_arrays([[[0, 1.0], [0, 0]], [[1.0, 0], [0, 1.0]]], R=0.0)
    assert mdp.legal.tolist() == [[True, False], [True, True]]


def test_a_terminal_state_without_outcomes_rests_for_nothing():
    mdp = FiniteMDP.from_arrays([[[0, 1.0, 0]], [[0, 0, 0]], [[1.0, 0, 0]]], R=1.0, terminals=[1])
    assert mdp.legal.all()
    assert mdp.next_state.tolist() == [1, 1, 0]
    assert mdp.expected_reward.ravel().tolist() == [1, 0, 1]
    assert mdp.terminated.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("P", "message"),
    [
        (np.zeros((2, 3)), r"`P` has shape \(2, 3\)"),
        ([np.eye(2), np.eye(3)], r"`P\[1\]` has shape \(3, 3\)"),
        (sparse.csr_array(np.ones((5, 2))), r"`P` has shape \(5, 2\)"),
    ],
)
def test_arrays_of_the_wrong_shape_are_refused(P, message):
    with pytest.raises(InputError, match=message):
        FiniteMDP.from_arrays(P, 0.0)


def test_terminals_outside_the_states_are_refused():
    with pytest.raises(InputError, match="`terminals` names state 7"):
        FiniteMDP.from_arrays([[[1.0]]], 0.0, terminals=[7])
    with pytest.raises(InputError, match="must hold state numbers, or 1 booleans"):
        FiniteMDP.from_arrays([[[1.0]]], 0.0, terminals=["A"])


def test_terminals_may_be_numbers_or_a_mask():
    P = [[[0, 1.0, 0]], [[0, 0, 1.0]], [[0, 0, 1.0]]]
    numbered, masked = (FiniteMDP.from_arrays(P, 0.0, terminals=t) for t in ([2], [False, False, True]))
    assert numbered.digest == masked.digest


def test_a_change_must_fit_the_model_it_changes():
    before = two()
    changed = before.changing_to(two(reward=[5, 5, 5, 5]), 10).changing_to(before, 20)
    assert [at for at, _ in changed.changes] == [10, 20]
    with pytest.raises(InputError, match="steps must be whole numbers that rise"):
        changed.changing_to(before, 20)
    with pytest.raises(InputError, match="another `num_states`"):
        before.changing_to(nchain_model(), 5)
    with pytest.raises(InputError, match="another `time_limit`"):
        before.changing_to(two(time_limit=3), 5)
    with pytest.raises(InputError, match="changes of its own"):
        before.changing_to(changed, 5)
    blocked = two(offsets=[0, 2, 2, 4, 4], probability=[0.5] * 4)
    with pytest.raises(InputError, match=r"`P\[0, 1\]` \(state 'A', action 'right'\) is legal in one model"):
        before.changing_to(blocked, 5)


def test_the_digest_tells_models_apart_and_ignores_names():
    digests = [
        two().digest,
        two(reward=[0, 1, 2, -3]).digest,
        two(time_limit=5).digest,
        two(reward_std=[0, 0, 0, 1]).digest,
        two().changing_to(two(), 5).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert two(name="other", state_names=None).digest == two().digest


def test_a_model_survives_pickling_and_replacing():
    mdp = nchain_model()
    copy = pickle.loads(pickle.dumps(mdp))
    assert copy.digest == mdp.digest
    assert not copy.reward.flags.writeable
    assert replace(mdp, time_limit=7).time_limit == 7
    assert mdp.make_env().spec.id == "NChain-v0"


def test_a_million_states_fit():
    S, A, K = 1_000_000, 4, 3
    rng = np.random.default_rng(0)
    next_state = rng.integers(0, S, (S * A, K), dtype=np.int32)
    probability = np.full((S * A, K), 1 / K)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mdp = FiniteMDP(
        name="million",
        num_states=S,
        num_actions=A,
        offsets=np.arange(0, S * A * K + 1, K),
        probability=probability.ravel(),
        next_state=next_state.ravel(),
        reward=np.ones(S * A * K),
        terminated=np.zeros(S * A * K, dtype=bool),
        initial=np.full(S, 1 / S),
    )
    assert mdp.expected_reward.shape == (S, A)
    assert mdp.transition_matrix().nnz <= S * A * K
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 2e9


def test_a_next_state_between_two_states_is_refused():
    with pytest.raises(InputError, match=r"`P\[0, 0\]`"):
        FiniteMDP.from_gymnasium({0: {0: [(1.0, 0.5, 0.0, False)]}})


@pytest.mark.parametrize(("P", "R", "name"), [("abc", 0, "P"), ([[[1, 0], [1]]], 0, "P"), ([[[1.0]]], "x", "R")])
def test_what_is_no_array_is_refused_by_its_name(P, R, name):
    with pytest.raises(InputError, match=f"`{name}` is no array of numbers"):
        FiniteMDP.from_arrays(P, R)
