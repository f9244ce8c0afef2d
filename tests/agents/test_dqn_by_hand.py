"""One gradient step of DQN on a table by hand: one-hot states, no bias, one transition in the ring, α = ½."""

import jax.numpy as jnp
import numpy as np

from qlearn.agents.backend import load_keras
from qlearn.agents.dqn import DQN
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.engine import noise

keras = load_keras()
TABLE = Spec(3, 2)
LATEST = {"replay": 1, "batch_size": 1, "learning_starts": 1, "train_every": 1, "target_every": 1_000, "discount": 0.5}


def linear(shape, num_actions):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(num_actions, use_bias=False)])


def one_transition(reward=1.0, terminated=False, truncated=False):
    number, flag = (lambda x: np.array([[x]], np.int32)), (lambda x: np.array([[x]]))
    return Transition(
        number(0), number(1), np.array([[reward]], np.float32), number(2), *map(flag, (terminated, truncated, True))
    )


def learnt_value(
    transition=None, spec=TABLE, online=((0, 0.5), (0, 0), (1, 2)), target=((0, 0), (0, 0), (10, 3)), **settings
):
    """Q(0, 1) after one update with α = ½ from the given tables, where it was 0.5."""
    learner = DQN(linear, keras.optimizers.SGD(0.25), **LATEST, **settings).learner(spec)
    zero = jnp.uint32(0)
    state = learner.init(noise.at(zero, noise.INITIAL, zero, zero))
    tables = [(jnp.asarray(table, jnp.float32),) for table in (online, target)]
    learnt = state.learnt._replace(
        weights=state.learnt.weights._replace(trainable=tables[0]),
        target=state.learnt.target._replace(trainable=tables[1]),
    )
    state = state._replace(learnt=learnt, steps=jnp.uint32(5))
    after = learner.update(
        state,
        transition or one_transition(),
        noise.at(zero, noise.UPDATE, zero, jnp.uint32(5)),
        Clock(jnp.zeros(1, jnp.uint32), jnp.zeros(1, jnp.uint32), jnp.uint32(5)),
    )
    return float(after.learnt.weights.trainable[0][0, 1])


def test_plain_takes_the_best_value_of_the_target_network():
    assert learnt_value() == 0.5 + 0.5 * (1 + 0.5 * 10 - 0.5)


def test_double_lets_the_online_network_choose_and_the_target_network_judge():
    assert learnt_value(double=True) == 0.5 + 0.5 * (1 + 0.5 * 3 - 0.5)


def test_an_action_that_is_not_legal_is_no_best_one():
    legal = jnp.array([[True, True], [True, True], [False, True]])
    assert learnt_value(spec=TABLE._replace(legal=legal)) == 0.5 + 0.5 * (1 + 0.5 * 3 - 0.5)


def test_a_terminated_step_is_worth_its_reward_and_a_truncated_one_goes_on():
    assert learnt_value(one_transition(terminated=True)) == 0.5 + 0.5 * (1 - 0.5)
    assert learnt_value(one_transition(truncated=True)) == learnt_value()


def test_the_huber_loss_stops_growing_at_one():
    assert learnt_value(loss="huber") == 0.5 + 0.25 * 1
    assert learnt_value(one_transition(reward=-4.75), loss="huber") == 0.5 + 0.25 * -0.25
