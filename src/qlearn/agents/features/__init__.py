"""Features of observations, one file each: what a linear agent's values are sums of."""

from __future__ import annotations

from qlearn.agents.features.feature import Basis, Encoded, Features
from qlearn.agents.features.fourier import Fourier
from qlearn.agents.features.one_hot import OneHotFeatures
from qlearn.agents.features.radial_basis import RadialBasis
from qlearn.agents.features.state_aggregation import StateAggregation
from qlearn.agents.features.tile_coding import TileCoding

__all__ = [
    "Basis",
    "Encoded",
    "Features",
    "Fourier",
    "OneHotFeatures",
    "RadialBasis",
    "StateAggregation",
    "TileCoding",
]
