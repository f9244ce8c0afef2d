"""Descriptions and their learners: one file an algorithm."""

from __future__ import annotations

from qlearn.agents.categorical import Categorical
from qlearn.agents.convolution import convolution
from qlearn.agents.differential_q_learning import DifferentialQLearning
from qlearn.agents.differential_sarsa import DifferentialSarsa
from qlearn.agents.double_expected_sarsa import DoubleExpectedSarsa
from qlearn.agents.double_q_learning import DoubleQLearning
from qlearn.agents.dqn import DQN
from qlearn.agents.dyna_q import DynaQ
from qlearn.agents.dyna_q_plus import DynaQPlus
from qlearn.agents.expected_sarsa import ExpectedSarsa
from qlearn.agents.features import Fourier, OneHotFeatures, RadialBasis, StateAggregation, TileCoding
from qlearn.agents.gradient_bandit import GradientBandit
from qlearn.agents.implicit_quantiles import ImplicitQuantiles
from qlearn.agents.learner import Agent, Clock, Learner, Spec, Transition
from qlearn.agents.linear_expected_sarsa import LinearExpectedSarsa
from qlearn.agents.linear_prediction import LinearPrediction
from qlearn.agents.linear_q_learning import LinearQLearning
from qlearn.agents.linear_sarsa import LinearSarsa
from qlearn.agents.maxmin_q_learning import MaxminQLearning
from qlearn.agents.mlp import mlp
from qlearn.agents.monte_carlo import MonteCarloControl
from qlearn.agents.monte_carlo_exploring_starts import MonteCarloExploringStarts
from qlearn.agents.monte_carlo_prediction import MonteCarloPrediction
from qlearn.agents.n_step_expected_sarsa import NStepExpectedSarsa
from qlearn.agents.n_step_sarsa import NStepSarsa
from qlearn.agents.n_step_td import NStepTD
from qlearn.agents.naive_q_lambda import NaiveQLambda
from qlearn.agents.nature_cnn import nature_cnn
from qlearn.agents.off_policy_monte_carlo import OffPolicyMonteCarlo
from qlearn.agents.offline_lambda_return import OfflineLambdaReturn
from qlearn.agents.one_step import OneStep
from qlearn.agents.online_q_network import OnlineQNetwork
from qlearn.agents.peng_q_lambda import PengQLambda
from qlearn.agents.posterior_sampling import PosteriorSampling
from qlearn.agents.pqn import PQN
from qlearn.agents.priorities import Priorities
from qlearn.agents.prioritised_sweeping import PrioritisedSweeping
from qlearn.agents.q_learning import QLearning
from qlearn.agents.q_sigma import QSigma
from qlearn.agents.quantiles import Quantiles
from qlearn.agents.r_learning import RLearning
from qlearn.agents.r_max import RMax
from qlearn.agents.reward_sum import RewardSum
from qlearn.agents.sarsa import Sarsa
from qlearn.agents.sarsa_lambda import SarsaLambda
from qlearn.agents.speedy_q_learning import SpeedyQLearning
from qlearn.agents.stream_q import StreamQ
from qlearn.agents.td_lambda import TDLambda
from qlearn.agents.thompson_sampling import ThompsonSampling
from qlearn.agents.tree_backup import TreeBackup
from qlearn.agents.true_online_sarsa_lambda import TrueOnlineSarsaLambda
from qlearn.agents.true_online_td_lambda import TrueOnlineTDLambda
from qlearn.agents.ucrl2 import UCRL2
from qlearn.agents.watkins_q_lambda import WatkinsQLambda
from qlearn.agents.weighted_q_learning import WeightedQLearning
from qlearn.rules.description import description as agent

__all__ = [
    "DQN",
    "PQN",
    "UCRL2",
    "Agent",
    "Categorical",
    "Clock",
    "DifferentialQLearning",
    "DifferentialSarsa",
    "DoubleExpectedSarsa",
    "DoubleQLearning",
    "DynaQ",
    "DynaQPlus",
    "ExpectedSarsa",
    "Fourier",
    "GradientBandit",
    "ImplicitQuantiles",
    "Learner",
    "LinearExpectedSarsa",
    "LinearPrediction",
    "LinearQLearning",
    "LinearSarsa",
    "MaxminQLearning",
    "MonteCarloControl",
    "MonteCarloExploringStarts",
    "MonteCarloPrediction",
    "NStepExpectedSarsa",
    "NStepSarsa",
    "NStepTD",
    "NaiveQLambda",
    "OffPolicyMonteCarlo",
    "OfflineLambdaReturn",
    "OneHotFeatures",
    "OneStep",
    "OnlineQNetwork",
    "PengQLambda",
    "PosteriorSampling",
    "Priorities",
    "PrioritisedSweeping",
    "QLearning",
    "QSigma",
    "Quantiles",
    "RLearning",
    "RMax",
    "RadialBasis",
    "RewardSum",
    "Sarsa",
    "SarsaLambda",
    "Spec",
    "SpeedyQLearning",
    "StateAggregation",
    "StreamQ",
    "TDLambda",
    "ThompsonSampling",
    "TileCoding",
    "Transition",
    "TreeBackup",
    "TrueOnlineSarsaLambda",
    "TrueOnlineTDLambda",
    "WatkinsQLambda",
    "WeightedQLearning",
    "agent",
    "convolution",
    "mlp",
    "nature_cnn",
]
