"""qlearn: from Q table to Q network.

Value-based agents on many seeds at once, the exact optimum of every finite problem, and comparisons that say only
what the evidence says.  The public names are loaded when they are first used: importing qlearn loads neither JAX nor
Keras.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qlearn.agents import DQN as DQN
    from qlearn.agents import PQN as PQN
    from qlearn.agents import UCRL2 as UCRL2
    from qlearn.agents import Categorical as Categorical
    from qlearn.agents import DifferentialQLearning as DifferentialQLearning
    from qlearn.agents import DifferentialSarsa as DifferentialSarsa
    from qlearn.agents import DoubleExpectedSarsa as DoubleExpectedSarsa
    from qlearn.agents import DoubleQLearning as DoubleQLearning
    from qlearn.agents import DynaQ as DynaQ
    from qlearn.agents import DynaQPlus as DynaQPlus
    from qlearn.agents import ExpectedSarsa as ExpectedSarsa
    from qlearn.agents import Fourier as Fourier
    from qlearn.agents import GradientBandit as GradientBandit
    from qlearn.agents import ImplicitQuantiles as ImplicitQuantiles
    from qlearn.agents import LinearExpectedSarsa as LinearExpectedSarsa
    from qlearn.agents import LinearPrediction as LinearPrediction
    from qlearn.agents import LinearQLearning as LinearQLearning
    from qlearn.agents import LinearSarsa as LinearSarsa
    from qlearn.agents import MaxminQLearning as MaxminQLearning
    from qlearn.agents import MonteCarloControl as MonteCarloControl
    from qlearn.agents import MonteCarloExploringStarts as MonteCarloExploringStarts
    from qlearn.agents import MonteCarloPrediction as MonteCarloPrediction
    from qlearn.agents import NaiveQLambda as NaiveQLambda
    from qlearn.agents import NStepExpectedSarsa as NStepExpectedSarsa
    from qlearn.agents import NStepSarsa as NStepSarsa
    from qlearn.agents import NStepTD as NStepTD
    from qlearn.agents import OfflineLambdaReturn as OfflineLambdaReturn
    from qlearn.agents import OffPolicyMonteCarlo as OffPolicyMonteCarlo
    from qlearn.agents import OneHotFeatures as OneHotFeatures
    from qlearn.agents import OneStep as OneStep
    from qlearn.agents import OnlineQNetwork as OnlineQNetwork
    from qlearn.agents import PengQLambda as PengQLambda
    from qlearn.agents import PosteriorSampling as PosteriorSampling
    from qlearn.agents import Priorities as Priorities
    from qlearn.agents import PrioritisedSweeping as PrioritisedSweeping
    from qlearn.agents import QLearning as QLearning
    from qlearn.agents import QSigma as QSigma
    from qlearn.agents import Quantiles as Quantiles
    from qlearn.agents import RadialBasis as RadialBasis
    from qlearn.agents import RewardSum as RewardSum
    from qlearn.agents import RLearning as RLearning
    from qlearn.agents import RMax as RMax
    from qlearn.agents import Sarsa as Sarsa
    from qlearn.agents import SarsaLambda as SarsaLambda
    from qlearn.agents import SpeedyQLearning as SpeedyQLearning
    from qlearn.agents import StateAggregation as StateAggregation
    from qlearn.agents import StreamQ as StreamQ
    from qlearn.agents import TDLambda as TDLambda
    from qlearn.agents import ThompsonSampling as ThompsonSampling
    from qlearn.agents import TileCoding as TileCoding
    from qlearn.agents import TreeBackup as TreeBackup
    from qlearn.agents import TrueOnlineSarsaLambda as TrueOnlineSarsaLambda
    from qlearn.agents import TrueOnlineTDLambda as TrueOnlineTDLambda
    from qlearn.agents import WatkinsQLambda as WatkinsQLambda
    from qlearn.agents import WeightedQLearning as WeightedQLearning
    from qlearn.agents import agent as agent
    from qlearn.agents import convolution as convolution
    from qlearn.agents import faults as faults
    from qlearn.agents import mlp as mlp
    from qlearn.agents import nature_cnn as nature_cnn
    from qlearn.checking import Checked as Checked
    from qlearn.checking import check as check
    from qlearn.comparison import Range as Range
    from qlearn.comparison import Specification as Specification
    from qlearn.comparison import Suite as Suite
    from qlearn.comparison import compare as compare
    from qlearn.comparison import search as search
    from qlearn.comparison import sweep as sweep
    from qlearn.comparison import tournament as tournament
    from qlearn.environments import FiniteMDP as FiniteMDP
    from qlearn.environments import HostEnvironment as HostEnvironment
    from qlearn.environments import MDPBuilder as MDPBuilder
    from qlearn.environments import discretised as discretised
    from qlearn.environments import make as make
    from qlearn.environments import problems as problems
    from qlearn.errors import DivergenceWarning as DivergenceWarning
    from qlearn.errors import EnvironmentFault as EnvironmentFault
    from qlearn.errors import InexactResumeWarning as InexactResumeWarning
    from qlearn.errors import InputError as InputError
    from qlearn.errors import Interrupted as Interrupted
    from qlearn.errors import QlearnError as QlearnError
    from qlearn.errors import StoreError as StoreError
    from qlearn.evaluation import evaluate as evaluate
    from qlearn.planning import solve as solve
    from qlearn.reports import draw as draw
    from qlearn.reports import export as export
    from qlearn.rules import Boltzmann as Boltzmann
    from qlearn.rules import CountBonus as CountBonus
    from qlearn.rules import EpsilonGreedy as EpsilonGreedy
    from qlearn.rules import Greedy as Greedy
    from qlearn.rules import Munchausen as Munchausen
    from qlearn.rules import Schedule as Schedule
    from qlearn.rules import UpperConfidence as UpperConfidence
    from qlearn.rules import constant as constant
    from qlearn.rules import exponential as exponential
    from qlearn.rules import linear as linear
    from qlearn.rules import per_visit as per_visit
    from qlearn.store import Store as Store
    from qlearn.training import Runs as Runs
    from qlearn.training import Snapshots as Snapshots
    from qlearn.training import resume as resume
    from qlearn.training import train as train
    from qlearn.training.kept import kept_runs as kept_runs
    from qlearn.training.preset import find_preset as find_preset
    from qlearn.training.preset import preset as preset
    from qlearn.training.preset import presets as presets
    from qlearn.training.presets import tutorial_agents as tutorial_agents
    from qlearn.training.presets import tutorial_network as tutorial_network

_NAMES = {
    "qlearn.environments": ("FiniteMDP", "HostEnvironment", "MDPBuilder", "discretised", "make"),
    "qlearn.planning": ("solve",),
    "qlearn.rules": (
        "Boltzmann",
        "EpsilonGreedy",
        "Greedy",
        "Munchausen",
        "CountBonus",
        "UpperConfidence",
        "Schedule",
        "constant",
        "exponential",
        "linear",
        "per_visit",
    ),
    "qlearn.agents": (
        "OffPolicyMonteCarlo",
        "MonteCarloExploringStarts",
        "OfflineLambdaReturn",
        "MonteCarloPrediction",
        "TrueOnlineTDLambda",
        "TDLambda",
        "NStepTD",
        "NaiveQLambda",
        "PengQLambda",
        "WatkinsQLambda",
        "TrueOnlineSarsaLambda",
        "SarsaLambda",
        "Fourier",
        "LinearExpectedSarsa",
        "LinearPrediction",
        "LinearQLearning",
        "LinearSarsa",
        "OneHotFeatures",
        "RadialBasis",
        "StateAggregation",
        "TileCoding",
        "DQN",
        "Categorical",
        "ImplicitQuantiles",
        "Priorities",
        "Quantiles",
        "DoubleQLearning",
        "DynaQ",
        "UCRL2",
        "PosteriorSampling",
        "RLearning",
        "DifferentialSarsa",
        "DifferentialQLearning",
        "SpeedyQLearning",
        "MaxminQLearning",
        "WeightedQLearning",
        "DoubleExpectedSarsa",
        "PrioritisedSweeping",
        "DynaQPlus",
        "ExpectedSarsa",
        "MonteCarloControl",
        "NStepExpectedSarsa",
        "NStepSarsa",
        "OneStep",
        "OnlineQNetwork",
        "PQN",
        "QLearning",
        "QSigma",
        "RMax",
        "RewardSum",
        "Sarsa",
        "StreamQ",
        "TreeBackup",
        "ThompsonSampling",
        "GradientBandit",
        "agent",
        "convolution",
        "mlp",
        "nature_cnn",
    ),
    "qlearn.training": ("Runs", "Snapshots", "resume", "train"),
    "qlearn.training.kept": ("kept_runs",),
    "qlearn.training.preset": ("find_preset", "preset", "presets"),
    "qlearn.training.presets": ("tutorial_agents", "tutorial_network"),
    "qlearn.evaluation": ("evaluate",),
    "qlearn.checking": ("Checked", "check"),
    "qlearn.store": ("Store",),
    "qlearn.comparison": ("Range", "Specification", "Suite", "compare", "search", "sweep", "tournament"),
    "qlearn.reports": (
        "draw",
        "export",
    ),
    "qlearn.errors": (
        "DivergenceWarning",
        "EnvironmentFault",
        "InexactResumeWarning",
        "InputError",
        "Interrupted",
        "QlearnError",
        "StoreError",
    ),
}
_ROOM_OF = {name: room for room, names in _NAMES.items() for name in names}

_ROOMS = (
    "agents",
    "comparison",
    "environments",
    "evaluation",
    "planning",
    "reports",
    "rules",
    "statistics",
    "training",
)

_FILES = {"faults": "qlearn.agents.faults", "problems": "qlearn.environments.problems"}

__all__ = ["__version__", *sorted(_FILES), *sorted(_ROOM_OF)]


def __getattr__(name: str) -> Any:
    """Load a public name from its room, or a room, on first use."""
    if name in _ROOMS:
        return importlib.import_module(f"qlearn.{name}")
    if name in _FILES:
        return importlib.import_module(_FILES[name])
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'qlearn' has no attribute {name!r}")
    value = getattr(importlib.import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if "keras" not in sys.modules:  # left alone, Keras would look for TensorFlow; a backend that was chosen stands
    os.environ.setdefault("KERAS_BACKEND", "jax")
importlib.import_module("qlearn.environments.registration").register_with_gymnasium()
