"""Which environments come with qlearn: those that have a model, and those that have a form on the device.

Looking them up loads no JAX: `qlearn envs` and `ql.make` of an unknown id shall not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.catalogue import PROBLEMS
from qlearn.environments.registration import register
from qlearn.environments.toy_text import SUMMARIES, is_toy_text

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec

NCHAIN = "NChain-v0"
_CHAIN = "Forward through a chain for a large reward, or back to the start for a small one"
LIBRARIES = ("gymnax", "pgx")
DISCRETISED = "discretised:"  # before an id of the device: its observations counted


class Ours(NamedTuple):
    """An environment of Gymnasium's that qlearn has in JAX."""

    file: str
    type: str
    summary: str
    num_actions: int
    observation_shape: tuple[int, ...]


OURS = {
    "CartPole-v1": Ours(
        "cartpole", "CartPole", "Keep a pole upright by pushing its cart to the left or right", 2, (4,)
    ),
    "Acrobot-v1": Ours("acrobot", "Acrobot", "Swing two linked rods up by turning the joint between them", 3, (6,)),
    "MountainCar-v0": Ours("mountain_car", "MountainCar", "Swing a weak car out of a valley", 3, (2,)),
}


@dataclass(frozen=True)
class EnvironmentSummary:
    """One line about an environment that comes with qlearn.

    Args:
        id: what `ql.make` takes.
        summary: what it is.
        num_states: how many states its model has; None where it has none, since its observations are arrays.
        num_actions: how many actions there are.
        time_limit: steps after which an episode is truncated; None for no limit.
        observation_shape: of an observation that is an array; None where observations are states.
    """

    id: str
    summary: str
    num_states: int | None
    num_actions: int
    time_limit: int | None
    observation_shape: tuple[int, ...] | None = None


def is_ours(spec: EnvSpec) -> bool:
    """Return whether a registered id is one that qlearn has in JAX, and still Gymnasium's own."""
    return spec.id in OURS and str(spec.entry_point).startswith("gymnasium.envs.classic_control.")


def elsewhere(identity: str) -> str | None:
    """Return which library an id such as ``gymnax:Breakout-MinAtar`` belongs to; None for Gymnasium's."""
    library, colon, _ = identity.partition(":")
    return library if colon and library in LIBRARIES else None


def own_ids() -> list[str]:
    """Return the ids of what comes with qlearn: those with a model first."""
    import gymnasium

    register()
    toys = sorted(key for key, spec in gymnasium.registry.items() if is_toy_text(spec))
    return [NCHAIN, *toys, *PROBLEMS, *(key for key in OURS if key in gymnasium.registry)]


def list_environments() -> list[EnvironmentSummary]:
    """Return one row for each environment that comes with a model or in JAX; any other id runs as ordinary Python.

    >>> list_environments()[0].id
    'NChain-v0'
    """
    import gymnasium

    from qlearn.environments.making import make

    rows = []
    for identity in own_ids():
        if identity in OURS:
            ours, limit = OURS[identity], gymnasium.registry[identity].max_episode_steps
            row = EnvironmentSummary(identity, ours.summary, None, ours.num_actions, limit, ours.observation_shape)
        elif identity in PROBLEMS:
            known = PROBLEMS[identity]
            sizes = (known.num_states, known.num_actions, known.time_limit, known.observation_shape)
            row = EnvironmentSummary(identity, known.summary, *sizes)
        else:
            model = make(identity)
            assert isinstance(model, FiniteMDP)
            summary = _CHAIN if identity == NCHAIN else SUMMARIES.get(identity.rpartition("-v")[0], "")
            row = EnvironmentSummary(identity, summary, model.num_states, model.num_actions, model.time_limit)
        rows.append(row)
    return rows
