"""Keras optimizers as pure functions: the numbers of Keras, for many seeds and any rate."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.network import Weights
from qlearn.agents.optimizer import Optimizer
from qlearn.errors import InputError

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
optimizers = keras.optimizers

MAKERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "Adam": lambda: optimizers.Adam(0.01),
    "clipped": lambda: optimizers.Adam(0.01, global_clipnorm=0.1, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Adagrad": lambda: optimizers.Adagrad(0.01),
    "Adadelta": lambda: optimizers.Adadelta(0.5),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "Ftrl": lambda: optimizers.Ftrl(0.01),
    "Lion": lambda: optimizers.Lion(0.01),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Muon": lambda: optimizers.Muon(0.01),
    "schedule free": lambda: optimizers.ScheduleFreeAdamW(0.01, warmup_steps=3),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.PolynomialDecay(0.1, 5, 0.0)),
    "accumulating": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "averaging": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=2),
}


def weights_of(seed):
    generator = np.random.default_rng(seed)
    return Weights((jnp.asarray(generator.normal(size=(4, 3)), jnp.float32), jnp.zeros(3)), (jnp.zeros(2, jnp.uint32),))


def gradients_of(seed, step):
    generator = np.random.default_rng([seed, step])
    return tuple(jnp.asarray(generator.normal(size=shape), jnp.float32) for shape in [(4, 3), (3,)])


def keras_steps(optimizer, seed, count):
    with lenient():
        variables = [keras.Variable(x) for x in weights_of(seed).trainable]
        optimizer.build(variables)
        for step in range(count):
            optimizer.apply(gradients_of(seed, step))
        return [np.asarray(v.value) for v in variables]


@pytest.mark.parametrize("name", MAKERS)
def test_seeds_at_once_get_what_keras_gives_each(name):
    """Six updates of three seeds under vmap against Keras' own stateful ones; and the user's object is untouched."""
    given = MAKERS[name]()
    before = [np.asarray(v.value) for v in given.variables]
    optimizer = Optimizer.of(given)
    lane = jax.tree.map(lambda *x: jnp.stack(x), *[weights_of(seed) for seed in range(3)])
    state = jax.vmap(optimizer.first)(lane)
    step = jax.jit(jax.vmap(optimizer.apply))
    for i in range(6):
        gradients = jax.tree.map(lambda *x: jnp.stack(x), *[gradients_of(seed, i) for seed in range(3)])
        lane, state = step(state, gradients, lane)
    for seed in range(3):
        for ours, theirs in zip(lane.trainable, keras_steps(MAKERS[name](), seed, 6), strict=True):
            np.testing.assert_allclose(ours[seed], theirs, rtol=2e-5, atol=2e-6)
    assert np.array_equal(lane.other[0], jnp.zeros((3, 2), jnp.uint32))
    after = [np.asarray(v.value) for v in given.variables]
    assert not given.built
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))


class TestRate:
    def test_it_is_a_leaf_and_a_new_one_compiles_nothing(self):
        calls = []

        @jax.jit
        def step(optimizer, weights):
            calls.append(1)
            return optimizer.apply(optimizer.first(weights), gradients_of(0, 0), weights)[0]

        one = step(Optimizer.of(optimizers.SGD(0.1)), weights_of(0))
        two = step(Optimizer.of(optimizers.SGD(0.2)), weights_of(0))
        assert len(calls) == 1
        start = weights_of(0).trainable[0]
        assert np.allclose(two.trainable[0] - start, 2 * (one.trainable[0] - start), atol=1e-6)

    def test_a_grid_of_rates_is_one_more_axis(self):
        optimizer = dataclasses.replace(Optimizer.of(optimizers.Adam()), learning_rate=jnp.array([0.1, 0.01]))

        def step(optimizer):
            return optimizer.apply(optimizer.first(weights_of(0)), gradients_of(0, 0), weights_of(0))[0].trainable[0]

        moved = jax.vmap(step)(optimizer) - weights_of(0).trainable[0][None]
        assert np.allclose(np.abs(moved), np.broadcast_to([[[0.1]], [[0.01]]], moved.shape), rtol=1e-3)

    def test_it_is_no_part_of_the_state(self):
        optimizer = Optimizer.of(optimizers.SGD(0.1))
        assert [x.dtype for x in optimizer.first(weights_of(0))] == [jnp.int32]

    def test_a_decimal_rate_is_kept_as_it_was_written(self):
        assert Optimizer.of(optimizers.Adam(2.5e-4)).learning_rate == 2.5e-4
        assert Optimizer.of(optimizers.Adam(0.1)).learning_rate == 0.1

    def test_a_schedule_is_structure(self):
        schedule = optimizers.schedules.PolynomialDecay(0.1, 5, 0.0)
        optimizer = Optimizer.of(optimizers.SGD(schedule))
        assert jax.tree.leaves(optimizer) == []
        assert optimizer == Optimizer.of(optimizers.SGD(optimizers.schedules.PolynomialDecay(0.1, 5, 0.0)))
        assert optimizer != Optimizer.of(optimizers.SGD(optimizers.schedules.PolynomialDecay(0.1, 6, 0.0)))

    @pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
    def test_a_rate_out_of_range_is_refused(self, rate):
        with pytest.raises(InputError, match=r"learning_rate=.* is out of range; expected a number in \(0, ∞\)"):
            Optimizer.of(optimizers.Adam(rate))

    def test_it_is_taken_as_it_is_now(self):
        given = optimizers.Adam(0.1)
        given.learning_rate = 0.2
        optimizer = Optimizer.of(given)
        given.learning_rate = 0.3
        assert optimizer.learning_rate == 0.2


class TestDescription:
    def test_equal_settings_are_equal(self):
        assert Optimizer.of(optimizers.Adam(0.1)) == Optimizer.of(optimizers.Adam(0.1))
        assert hash(Optimizer.of(optimizers.Adam(0.1))) == hash(Optimizer.of(optimizers.Adam(0.1)))
        assert Optimizer.of(optimizers.Adam(0.1)) != Optimizer.of(optimizers.Adam(0.2))
        assert Optimizer.of(optimizers.Adam(0.1)) != Optimizer.of(optimizers.AdamW(0.1))
        made = Optimizer.of(optimizers.Adam(0.1))
        assert Optimizer.of(made) is made

    @pytest.mark.parametrize(
        ("optimizer", "text"),
        [
            (optimizers.Adam, "Adam(0.001)"),
            (lambda: optimizers.SGD(0.1, momentum=0.9), "SGD(0.1, momentum=0.9)"),
            (lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 5)), "Adam(CosineDecay)"),
        ],
    )
    def test_it_prints_what_was_set(self, optimizer, text):
        assert repr(Optimizer.of(optimizer())) == text

    @pytest.mark.parametrize("thing", ["adam", 0.1, optimizers.Adam, None])
    def test_other_things_are_refused(self, thing):
        with pytest.raises(InputError, match="is no optimizer"):
            Optimizer.of(thing)

    @pytest.mark.parametrize(
        ("optimizer", "words"),
        [
            (lambda: optimizers.LossScaleOptimizer(optimizers.Adam()), "wraps other optimizers"),
            (lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.Adam())), "wraps other optimizers"),
            (lambda: optimizers.Adam(loss_scale_factor=2.0), "loss_scale_factor"),
            (lambda: optimizers.Adam(lambda: 0.1), "its learning rate is a function"),
            (lambda: optimizers.Adam(use_ema=True), "ema_overwrite_frequency"),
            (lambda: optimizers.Muon(exclude_layers=["dense"]), "exclude_layers"),
        ],
    )
    def test_what_an_update_would_leave_out_is_refused(self, optimizer, words):
        with pytest.raises(InputError, match=words):
            Optimizer.of(optimizer())

    def test_variables_excluded_by_name_are_refused(self):
        given = optimizers.AdamW()
        given.exclude_from_weight_decay(var_names=["bias"])
        with pytest.raises(InputError, match="exclude_from_weight_decay"):
            Optimizer.of(given)


class Signs(optimizers.Optimizer):
    """An optimizer of the user's own: steps along the signs."""

    def __init__(self, learning_rate=0.1, power=1.0, **named):
        super().__init__(learning_rate, **named)
        self.power = power

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, learning_rate * keras.ops.sign(gradient) * self.power)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


class TestOwn:
    def test_an_optimizer_of_the_users_own_needs_no_registration(self):
        optimizer = Optimizer.of(Signs(0.5, power=2.0))
        weights = weights_of(0)
        moved, _ = optimizer.apply(optimizer.first(weights), gradients_of(0, 0), weights)
        assert np.allclose(moved.trainable[0] - weights.trainable[0], -np.sign(gradients_of(0, 0)[0]), atol=1e-6)
        assert repr(optimizer) == "Signs(0.5, power=2.0)"

    def test_one_that_does_not_say_how_it_was_made_is_refused(self):
        class Closed(Signs):
            def __init__(self, must):
                super().__init__()

        with pytest.raises(InputError, match="cannot be made again"):
            Optimizer.of(Closed(1))

    def test_one_with_random_state_is_refused(self):
        class Random(Signs):
            def build(self, variables):
                super().build(variables)
                self.noise = self.add_variable((3,), initializer="random_normal", name="noise")

        with pytest.raises(InputError, match="neither a constant nor a copy of a weight"):
            Optimizer.of(Random()).first(weights_of(0))


def test_nothing_leaks_out_of_a_trace_that_meets_an_optimizer_first():
    optimizer = Optimizer.of(optimizers.Adam(0.0123, beta_1=0.77))
    with jax.checking_leaks():
        moved, state = jax.jit(lambda w: optimizer.apply(optimizer.first(w), gradients_of(0, 0), w))(weights_of(0))
    again, _ = optimizer.apply(state, gradients_of(0, 1), moved)
    assert np.all(np.isfinite(again.trainable[0]))
