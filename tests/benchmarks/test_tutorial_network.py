"""The yardstick for the Keras network is the tutorial's loop, whichever of Keras' calls it uses.  Nothing is timed."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no part of the package

from benchmarks import tutorial_network as contest  # noqa: E402
from qlearn.agents.backend import lenient, load_keras  # noqa: E402

load_keras()
# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_loop_with_predict_and_fit_and_that_with_single_batches_learn_the_same():
    weights = []
    loops = [contest.KerasLoop(single) for single in (False, True)]
    first = loops[0].model.get_weights()
    for loop in loops:
        loop.env.np_random = np.random.default_rng(1)
        np.random.seed(1)  # noqa: NPY002  (the loop draws from the global generator, as tutorials do)
        with lenient():
            loop.model.set_weights(first)
            assert loop.run(60) == 60
            weights.append(loop.model.get_weights())
    for one, other, start in zip(*weights, first, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert not np.allclose(one, start, atol=1e-3)


def test_rows_say_how_the_targets_are_met():
    timings = {
        name: contest.measure.Timings([n], [1.0], [1.0]) for name, n in ((contest.FIT, 10), (contest.ONE, 20_000))
    }
    found = contest.row(timings, contest.ONE)
    assert found["ratio"]["median"] == 2000
    assert found["met"] is True
    assert contest.row(timings, contest.FIT)["ratio"] is None
