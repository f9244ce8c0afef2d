"""What so few runs do not allow one to say."""

from __future__ import annotations

FEW_RUNS = 10
"""Below this number of runs an interval leans on the assumption that runs are nearly normal."""

MOST_WITHOUT_SIGNIFICANCE = 3
"""Up to this number of runs nothing is called significant: no sign-flip test of three pairs can go below p = 1/4."""


def cautions(num_runs: int) -> tuple[str, ...]:
    """Return the warnings that a comparison of so many independent runs must carry, in words.

    Args:
        num_runs: independent runs of each method, at least 1.

    Source: C. Colas, O. Sigaud and P.-Y. Oudeyer, *How many random seeds?* (2018); A. Patterson et al.,
    *Empirical design in reinforcement learning* (2024).

    >>> cautions(30)
    ()
    >>> cautions(3)
    ('3 runs: no difference is called significant with three runs or fewer; use at least 10, better 30.',)
    """
    if num_runs == 1:
        return ("1 run: nothing can be said about other runs; no interval exists. Use at least 10, better 30.",)
    if num_runs <= MOST_WITHOUT_SIGNIFICANCE:
        return (
            f"{num_runs} runs: no difference is called significant with three runs or fewer; "
            "use at least 10, better 30.",
        )
    if num_runs < FEW_RUNS:
        return (f"{num_runs} runs: fewer than ten, so intervals are rough; use at least 10, better 30.",)
    return ()
