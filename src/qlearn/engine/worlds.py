"""The three kinds of environments that the loops know, and what learners are told of them."""

from __future__ import annotations

from typing import Any, TypeAlias

from qlearn.agents.learner import Spec
from qlearn.environments.device import DeviceMDP
from qlearn.environments.device import on_device as _model_on_device
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.gymnax_environment import GymnaxEnvironment
from qlearn.environments.host import HostEnvironment
from qlearn.environments.jax_environment import JaxEnvironment
from qlearn.environments.pgx_environment import PgxEnvironment

World: TypeAlias = DeviceMDP | JaxEnvironment
"""What a loop on the device steps."""


def spec_of(environment: Any) -> Spec:
    """What a learner may know of an environment: a FiniteMDP, a HostEnvironment, or one on the device."""
    if isinstance(environment, FiniteMDP):
        return Spec(environment.num_states, environment.num_actions, environment.time_limit)
    if isinstance(environment, HostEnvironment):
        return Spec(
            environment.num_states,
            environment.num_actions,
            environment.time_limit,
            None,
            environment.observation_shape,
            environment.observation_dtype,
            environment.parts,
        )
    return Spec.of(environment)


def plain(environment: Any) -> bool:
    """Whether the steps of an environment may be part of one function of machine code; see ``qlearn.xla``.

    Not those of gymnax and pgx: some sort, and where such a loop is large XLA ends the process instead of refusing it.
    """
    return not isinstance(environment, GymnaxEnvironment | PgxEnvironment)


def on_device(environment: Any) -> Any:
    """The functions and arrays of an environment, a JAX tree, for the device loop."""
    return _model_on_device(environment) if isinstance(environment, FiniteMDP) else environment
