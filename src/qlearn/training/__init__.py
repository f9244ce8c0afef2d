"""Train, runs and presets."""

from qlearn.training.divergence import divergence
from qlearn.training.interruptions import begun_again
from qlearn.training.names import agents_by_name, parse_agent, written_agent
from qlearn.training.presets import tutorial_agents, tutorial_network
from qlearn.training.resume import resume
from qlearn.training.runs import Runs
from qlearn.training.snapshots import Snapshots
from qlearn.training.train import train, train_many

__all__ = [
    "Runs",
    "Snapshots",
    "agents_by_name",
    "begun_again",
    "divergence",
    "parse_agent",
    "resume",
    "train",
    "train_many",
    "tutorial_agents",
    "tutorial_network",
    "written_agent",
]
