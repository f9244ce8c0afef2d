"""Published results in which nothing is random: every claim agrees or says why not, and is drawn."""

import pytest

from qlearn.published import reproduction


@pytest.mark.parametrize("name", ["sb-3.5", "sb-4.1", "sb-4.2", "sb-4.3"])
def test_an_exact_result_agrees_or_explains_itself(name):
    one = reproduction(name)
    assert one.seeds == 0
    result = one.run((), None)
    assert {claim.verdict for claim in result.claims} <= {"agrees", "explained"}
    assert sum(claim.agrees for claim in result.claims) >= len(result.claims) - 1
    one.draw(result).canvas.draw()
