"""Several comparisons at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values corrected so that the chance of any false claim stays below the level.

    With p₍₁₎ ≤ … ≤ p₍m₎, the corrected p₍ᵢ₎ is the largest of min(1, (m − j + 1) p₍ⱼ₎) over j ≤ i.

    Args:
        p_values: (m,) numbers in [0, 1].

    Source: S. Holm, *A simple sequentially rejective multiple test procedure* (1979).

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, stepped)
    return corrected
