"""Every setting of DQN that is wrong is refused with what was wrong, what was expected and a cure."""

import re

import jax
import pytest

from qlearn.agents.backend import load_keras
from qlearn.agents.categorical import Categorical
from qlearn.agents.dqn import DQN
from qlearn.agents.implicit_quantiles import ImplicitQuantiles
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.priorities import Priorities
from qlearn.agents.quantiles import Quantiles
from qlearn.errors import InputError
from qlearn.rules.exploration import EpsilonGreedy
from qlearn.rules.munchausen import Munchausen
from qlearn.rules.schedules import linear, per_visit

keras = load_keras()


def dqn(**settings):
    return DQN(mlp(4), keras.optimizers.Adam(), **settings)


WRONG = {
    "discount=1.5 is out of range": {"discount": 1.5},
    "discount='high' is out of range": {"discount": "high"},
    "exploration=0.1 is no exploration policy": {"exploration": 0.1},
    "counts the visits": {"exploration": EpsilonGreedy(per_visit())},
    "replay=0 is not usable": {"replay": 0},
    "replay=10000.0 is not usable": {"replay": 1e4},
    "replay=1073741830; expected at most 1073741824": {"replay": 2**30 + 6},
    "replay=10005; expected a multiple of train_every=10": {"replay": 10_005},
    "batch_size=-1 is not usable": {"batch_size": -1},
    "batch_size=20000 is larger than replay=10000": {"batch_size": 20_000},
    "learning_starts=0 is not usable": {"learning_starts": 0},
    "learning_starts=100 is smaller than batch_size=128": {"learning_starts": 100},
    "train_every=True is not usable": {"train_every": True},
    "train_every=10; expected a multiple of num_environments=4": {"num_environments": 4},
    "updates=0 is not usable": {"updates": 0},
    "target_every=500 and target_rate=0.1 are both given": {"target_rate": 0.1},
    "target_every=None and target_rate=None are both None": {"target_every": None},
    "target_every=505; expected a multiple of train_every=10": {"target_every": 505},
    "target_every='often' is not usable": {"target_every": "often"},
    "target_rate=0.0 is out of range": {"target_every": None, "target_rate": 0.0},
    "target_rate=1.1 is out of range": {"target_every": None, "target_rate": 1.1},
    "double=1; expected True or False": {"double": 1},
    "dueling='yes'; expected True or False": {"dueling": "yes"},
    "n_step=0 is not usable": {"n_step": 0},
    "n_step · num_environments = 20000": {"n_step": 20_000},
    "loss='absolute' is unknown": {"loss": "absolute"},
    "max_gradient_norm=0 is out of range": {"max_gradient_norm": 0},
    "noisy=1; expected True or False": {"noisy": 1},
    "head=3 is no head; expected None or a head": {"head": 3},
    "expected no loss where a head has its own": {"head": Quantiles(), "loss": "huber"},
    "priorities=0.6; expected None or Priorities": {"priorities": 0.6},
    "munchausen=True; expected None or Munchausen": {"munchausen": True},
    "munchausen with n_step=3; expected one step": {"munchausen": Munchausen(), "n_step": 3},
    "at least train_every + (n_step - 1) · num_environments = 14 places": {
        "priorities": Priorities(),
        "replay": 10,
        "batch_size": 5,
        "learning_starts": 10,
        "n_step": 5,
    },
    "num_environments=0 is not usable": {"num_environments": 0},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_setting_is_refused_with_a_cure(message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        dqn(**WRONG[message])
    text = str(caught.value)
    assert text.startswith("DQN: ")
    assert "expected" in text
    assert "Pass " in text


def test_a_cure_can_be_followed():
    assert dqn(replay=10_000).replay == 10_000  # "Pass replay=10000" for 10,005
    assert dqn(target_every=500).target_every == 500
    assert dqn(target_every=None, target_rate=0.005).target_rate == 0.005
    assert dqn(num_environments=5).learner(Spec(0, 2, None, None, (4,))).period == 2


def test_a_model_that_is_none_and_an_optimizer_that_is_none_are_refused():
    with pytest.raises(InputError, match="is no network"):
        DQN(3, keras.optimizers.Adam())
    with pytest.raises(InputError, match="is no optimizer"):
        DQN(mlp(4), "adam")


@pytest.mark.parametrize("dueling", [False, True])
def test_a_network_that_does_not_fit_is_refused_before_training(dueling):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    agent = DQN(model, keras.optimizers.Adam(), dueling=dueling)
    with pytest.raises(InputError, match=r"has 3 entries|ends in Dense\(3"):
        agent.check(Spec(0, 2, None, None, (4,)))
    with pytest.raises(InputError, match="input"):
        agent.check(Spec(0, 3, None, None, (5,)))
    agent.check(Spec(0, 3, None, None, (4,)))


def test_numbers_are_leaves_and_counts_are_structure():
    numbers = {"target_every": None, "target_rate": 0.1, "max_gradient_norm": 1.0}
    one, same = dqn(**numbers), {**numbers, "target_rate": 0.2, "max_gradient_norm": 2.0, "discount": 0.5}
    other = DQN(
        mlp(4), keras.optimizers.Adam(0.5), exploration=EpsilonGreedy(linear(0.5, 0.1, over=9, per="step")), **same
    )
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert jax.tree.structure(one) != jax.tree.structure(dqn(**numbers, updates=2))


def test_the_label_says_which_switches_are_on():
    assert dqn().label == "DQN"
    assert dqn(n_step=3, dueling=True, double=True).label == "3-step dueling double DQN"
    assert dqn(head=Categorical(0, 9)).label == "C51"
    assert dqn(head=Quantiles(), noisy=True).label == "noisy QR-DQN"
    assert dqn(head=ImplicitQuantiles(), munchausen=Munchausen()).label == "Munchausen IQN"
    six = {"double": True, "dueling": True, "n_step": 3, "noisy": True, "priorities": Priorities()}
    assert dqn(head=Categorical(0, 9), **six).label == "Rainbow"
    assert dqn(**six).label == "noisy 3-step prioritised dueling double DQN"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Categorical(1, 1), "high=1 is not above low=1"),
        (lambda: Categorical(0, 1, atoms=1), "atoms=1 is not usable"),
        (lambda: Quantiles(count=0), "count=0 is not usable"),
        (lambda: Quantiles(threshold=0), "threshold=0 is out of range"),
        (lambda: ImplicitQuantiles(policy_samples=0), "policy_samples=0 is not usable"),
        (lambda: Munchausen(temperature=0), "temperature=0 is out of range"),
        (lambda: Munchausen(floor=0.5), "floor=0.5 is above 0"),
    ],
)
def test_the_parts_of_an_agent_refuse_what_they_cannot_use(make, message):
    with pytest.raises(InputError, match=re.escape(message)):
        make()


def test_ends_of_atoms_and_other_numbers_are_leaves_so_that_new_ones_compile_nothing():
    def agent(low, exponent, scale):
        switches = {"priorities": Priorities(exponent=exponent), "munchausen": Munchausen(scale=scale)}
        return dqn(head=Categorical(low, 9), **switches)

    assert jax.tree.structure(agent(0, 0.5, 0.9)) == jax.tree.structure(agent(-1, 0.7, 0.0))
