"""The exact model of Blackjack against hand facts, published figures and the environment's own play."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from qlearn.environments import make
from qlearn.environments.blackjack import (
    DEALT_NATURAL,
    HIT,
    STICK,
    add_card,
    blackjack_model,
    dealer_distribution,
    first_card,
    state_of,
)

RULES = [{"natural": False, "sab": False}, {"natural": True, "sab": False}, {"natural": False, "sab": True}]


def outcomes_of(mdp, state, action):
    row = state * mdp.num_actions + action
    return slice(mdp.offsets[row], mdp.offsets[row + 1])


def optimum(mdp):
    v = np.zeros(mdp.num_states)
    for _ in range(40):  # a hand takes at most 21 cards
        q = mdp.expected_reward + (mdp.transition_matrix() @ v).reshape(-1, 2)
        v = q.max(axis=1)
    return v, q


def model_state(env, observation):
    """The model's state of a game: its observation's, or the natural's where that matters."""
    rules = env.unwrapped
    if (rules.sab or rules.natural) and sorted(rules.player) == [1, 10]:
        return DEALT_NATURAL + observation[1] - 1
    return state_of(*observation)


@pytest.mark.parametrize(
    ("card", "bust"),
    [(1, 0.1153), (2, 0.3536), (3, 0.3739), (4, 0.3945), (5, 0.4164), (6, 0.4232), (7, 0.2623), (8, 0.2447),
     (9, 0.2284), (10, 0.2121)],
)  # fmt: skip
def test_the_dealer_busts_as_often_as_the_published_tables_say(card, bust):
    distribution = dealer_distribution(first_card(card))
    assert sum(distribution.values()) == 1
    assert float(distribution[0]) == pytest.approx(bust, abs=6e-5)
    assert set(distribution) == {0, 17, 18, 19, 20, 21}


def test_the_dealer_stands_on_a_soft_17():
    assert dealer_distribution((17, 1)) == {17: Fraction(1)}
    assert dealer_distribution((16, 0))[0] == Fraction(8, 13)  # 6, 7, 8, 9 and four tens bust


def test_cards_are_added_as_the_rules_say():
    assert add_card((0, 0), 1) == (11, 1)
    assert add_card((11, 1), 1) == (12, 1)
    assert add_card((20, 1), 5) == (15, 0)
    assert add_card((11, 0), 1) == (12, 0)
    assert add_card((20, 0), 1) == (21, 0)


def test_hand_facts():
    mdp = blackjack_model()
    stick = outcomes_of(mdp, state_of(12, 6, 0), STICK)  # twelve wins only where the dealer busts
    np.testing.assert_array_equal(mdp.reward[stick], [-1, 1])
    assert mdp.probability[stick][1] == pytest.approx(float(dealer_distribution((6, 0))[0]))
    hit = outcomes_of(mdp, state_of(21, 6, 0), HIT)
    assert mdp.terminated[hit].all()
    assert (mdp.reward[hit] == -1).all()
    hit = outcomes_of(mdp, state_of(20, 6, 0), HIT)
    assert mdp.next_state[hit][0] == state_of(21, 6, 0)
    assert mdp.probability[hit][0] == pytest.approx(1 / 13)
    assert mdp.initial[state_of(21, 3, 1)] == pytest.approx(2 * (1 / 13) * (4 / 13) / 13)
    assert mdp.initial[state_of(12, 1, 1)] == pytest.approx(1 / 13**3)


def test_a_natural_is_paid_by_the_rules():
    book, casino = blackjack_model(sab=True), blackjack_model(natural=True)
    for card, draw in ((10, 1 / 13), (1, 4 / 13), (5, 0)):
        state = DEALT_NATURAL + card - 1
        assert book.expected_reward[state, STICK] == pytest.approx(1 - draw)
        loses_nothing = float(dealer_distribution(first_card(card))[21])
        assert casino.expected_reward[state, STICK] == pytest.approx(1.5 * (1 - loses_nothing))
    assert blackjack_model(sab=True, natural=True).digest == book.digest  # as in Gymnasium
    assert make("Blackjack-v1").digest == book.digest
    assert make("Blackjack-v1(sab=False)").num_states == 704
    assert book.state_names[DEALT_NATURAL] == "natural, dealer 1"


@pytest.mark.parametrize("rules", RULES)
def test_every_outcome_comes_as_often_as_the_model_says(rules):
    mdp = make("Blackjack-v1", **rules)
    env = mdp.make_env()
    rng = np.random.default_rng(0)
    index = {}
    for state in range(mdp.num_states):
        for action in (0, 1):
            for i in range(mdp.offsets[2 * state + action], mdp.offsets[2 * state + action + 1]):
                index[state, action, int(mdp.next_state[i]), float(mdp.reward[i]), bool(mdp.terminated[i])] = i
    counts, starts = np.zeros(mdp.probability.size), np.zeros(mdp.num_states)
    observation, _ = env.reset(seed=7)
    state = model_state(env, observation)
    starts[state] += 1
    for _ in range(40_000):
        action = int(rng.random() < (0.9 if observation[0] < 17 else 0.3))
        observation, reward, terminated, _, _ = env.step(action)
        seen = state if action == STICK else model_state(env, observation)
        counts[index[state, action, seen, float(reward), terminated]] += 1
        state = seen
        if terminated:
            observation, _ = env.reset()
            state = model_state(env, observation)
            starts[state] += 1
    rows = np.repeat(np.arange(mdp.offsets.size - 1), np.diff(mdp.offsets))
    expected = np.bincount(rows, weights=counts)[rows] * mdp.probability
    assert not counts[expected == 0].any()
    assert chi_square_p(counts, expected, rows) > 1e-4
    assert chi_square_p(starts, starts.sum() * mdp.initial, np.zeros(starts.size, int)) > 1e-4


def chi_square_p(counts, expected, rows):
    """The p value of all rows together, over the cells that are expected at least five times."""
    large = expected >= 5
    statistic = (((counts - expected) ** 2)[large] / expected[large]).sum()
    return stats.chi2.sf(statistic, max(large.sum() - np.unique(rows[large]).size, 1))


def test_the_best_play_is_the_books_figure_5_2():
    mdp = make("Blackjack-v1")
    v, q = optimum(mdp)
    best = q.argmax(axis=1)
    hard = [next(t for t in range(12, 22) if best[state_of(t, card, 0)] == STICK) for card in range(1, 11)]
    assert hard == [17, 13, 13, 12, 12, 12, 17, 17, 17, 17]
    soft = [next(t for t in range(12, 22) if best[state_of(t, card, 1)] == STICK) for card in range(2, 11)]
    assert soft == [18, 18, 18, 18, 18, 18, 18, 19, 19]
    assert mdp.initial @ v == pytest.approx(-0.043113, abs=1e-6)
    plain, _ = optimum(make("Blackjack-v1", sab=False))
    assert make("Blackjack-v1", sab=False).initial @ plain == pytest.approx(-0.046556, abs=1e-6)


def test_a_simulated_best_player_earns_what_the_model_says():
    mdp = make("Blackjack-v1")
    v, q = optimum(mdp)
    env, returns = mdp.make_env(), []
    observation, _ = env.reset(seed=3)
    while len(returns) < 10_000:
        observation, reward, terminated, _, _ = env.step(int(q[model_state(env, observation)].argmax()))
        if terminated:
            returns.append(reward)
            observation, _ = env.reset()
    error = np.std(returns) / np.sqrt(len(returns))
    assert abs(np.mean(returns) - mdp.initial @ v) < 4 * error


def test_where_naturals_do_not_matter_the_states_are_the_observations():
    mdp = make("Blackjack-v1", sab=False)
    assert mdp.num_states == 32 * 11 * 2
    assert mdp.state_names[state_of(21, 10, 1)] == "(21, 10, 1)"
    assert mdp.action_names == ("stick", "hit")
    assert mdp.time_limit is None
