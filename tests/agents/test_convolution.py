import pytest

import qlearn as ql
from qlearn.training.names import parse_agent, written_agent


def test_the_network_of_the_nature_paper_has_the_parameters_that_the_paper_implies():
    nature = ql.convolution(32, 64, 64, kernels=(8, 4, 3), strides=(4, 2, 1), units=(512,))
    sizes = [(8 * 8 * 4 + 1) * 32, (4 * 4 * 32 + 1) * 64, (3 * 3 * 64 + 1) * 64, (7 * 7 * 64 + 1) * 512, 513 * 6]
    assert nature((84, 84, 4), 6).count_params() == sum(sizes)


def test_what_it_prints_is_what_a_command_line_reads():
    text = "dqn(convolution(8, 16, kernels=(5, 3), strides=2, units=(64, 32), layer_norm=True), adam(0.0005))"
    assert written_agent(parse_agent(text)) == text
    assert ql.convolution(8, 16, strides=(2, 2)) == ql.convolution(8, 16, strides=2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (ql.convolution, "no filters"),
        (lambda: ql.convolution(8, 8, kernels=(3,)), "has 1 numbers for 2"),
        (lambda: ql.convolution(8, strides=0), "strides=0 is not usable"),
        (lambda: ql.convolution(8)((4,), 2), "arrays of shape"),
    ],
)
def test_what_cannot_be_is_named(make, words):
    with pytest.raises(ql.InputError, match=words):
        make()
