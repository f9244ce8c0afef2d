"""What the descriptions of linear agents have in common: checks, and the way that their settings mean."""

from __future__ import annotations

from typing import Any

from qlearn.agents.features import Basis, Features
from qlearn.agents.learner import Spec
from qlearn.agents.linear import SingleStep, Way
from qlearn.agents.linear_n_step import NSteps
from qlearn.agents.linear_traces import Eligibility, RecentEligibility
from qlearn.agents.observed import inputs_of, unmasked
from qlearn.agents.tabular import check_tabular
from qlearn.errors import InputError
from qlearn.rules.description import choice, number, whole
from qlearn.rules.schedules import as_schedule


def check_linear(agent: Any, kinds: tuple[str, ...]) -> None:
    """Check the fields that all linear agents share.

    Args:
        agent: the description; ``traces`` becomes "accumulating" where it is None and ``trace_decay`` is above 0.
        kinds: the traces that the method has.

    Raises:
        InputError: naming the field, its range and its value.
    """
    name = type(agent).__name__
    if not isinstance(agent.features, Features) or isinstance(agent.features, type):
        raise InputError(
            f"{name}: features={agent.features!r} are none; expected a description of features. "
            "Pass for example ql.TileCoding(tilings=8, tiles=8, low=…, high=…)."
        )
    fields: tuple[str, ...] = ("learning_rate", "exploration")
    if getattr(agent, "predicts", False):
        fields = ("learning_rate",)
        as_schedule(agent, "learning_rate")
        number(agent, "discount", 0.0, 1.0)
        number(agent, "initial_value", float("-inf"))
    else:
        check_tabular(agent)
    for field in fields:
        if getattr(agent, field).counts_visits:
            raise InputError(
                f"{name}: {field}={getattr(agent, field)} counts visits of states, which features do not; expected a "
                "rate that depends on time. Pass for example ql.linear(0.5, 0.1, over=10_000, per='step')."
            )
    number(agent, "trace_decay", 0.0, 1.0)
    if agent.n is not None:
        whole(agent, "n")
    if agent.traces is not None:
        choice(agent, "traces", kinds)
    elif agent.trace_decay > 0.0:
        object.__setattr__(agent, "traces", "accumulating")
    whole(agent, "trace_steps", 0)
    if agent.trace_steps and agent.traces is None:
        raise InputError(
            f"{name}: trace_steps={agent.trace_steps} is for traces, and none are kept; expected a λ above 0. "
            "Pass trace_decay=0.9, or leave trace_steps out."
        )
    if agent.traces is not None and agent.n != 1:
        raise InputError(
            f"{name}: n={agent.n} and traces={agent.traces!r} (trace_decay={agent.trace_decay:g}) are two ways to look "
            "further than one step; expected one of them. Leave one out."
        )


def basis_of(agent: Any, spec: Spec) -> Basis:
    """The features of what is observed, legal actions left out.

    Raises:
        InputError: where that is several arrays.
    """
    seen = unmasked(spec)
    if seen.parts:
        names = ", ".join(part.name for part in inputs_of(spec))
        raise InputError(
            f"{type(agent).__name__}: features are of one array, and this environment observes several ({names}). Put "
            "them into one: gymnasium.wrappers.FlattenObservation."
        )
    basis: Basis = agent.features.bind(seen)
    return basis


def check_features(agent: Any, spec: Spec) -> None:
    """Bind the features before training; raises InputError where they do not fit."""
    basis = basis_of(agent, spec)
    if agent.traces == "replacing" and basis.active is None:
        raise InputError(
            f"{type(agent).__name__}: traces='replacing' is defined for features that are 0 or 1, which those of "
            f"{type(agent.features).__name__} are not. Pass traces='accumulating'."
        )
    if agent.trace_steps and basis.active is None:
        raise InputError(
            f"{type(agent).__name__}: trace_steps={agent.trace_steps} is for features of which few are 1 at once, and "
            f"those of {type(agent.features).__name__} are all numbers. Leave it out."
        )
    if basis.constant is None and agent.initial_value != 0.0:
        raise InputError(
            f"{type(agent).__name__}: initial_value={agent.initial_value:g} is no sum of these features; expected 0, "
            "or features that sum to 1. Leave it out, or pass normalised=True to RadialBasis."
        )
    if agent.n is None and spec.time_limit is None:
        raise InputError(
            f"{type(agent).__name__}: n=None waits for the end of an episode, and this environment has no time limit. "
            "Give it one (`max_episode_steps=1000`), or pass an n."
        )


def way_of(agent: Any, spec: Spec, basis: Basis, *, cut: bool = False) -> Way:
    """How errors reach the weights, by ``n``, ``traces`` and ``trace_decay``."""
    if agent.traces is not None and agent.trace_steps:
        return RecentEligibility(basis, agent.discount, agent.trace_decay, agent.traces, agent.trace_steps, cut)
    if agent.traces is not None:
        return Eligibility(basis, agent.discount, agent.trace_decay, agent.traces, cut)
    if agent.n == 1:
        return SingleStep(basis, agent.discount)
    spec = unmasked(spec)
    counted = spec.observation_shape is None
    shape = () if spec.observation_shape is None else tuple(spec.observation_shape)
    dtype = "int32" if counted else spec.observation_dtype
    places = spec.time_limit if agent.n is None else agent.n
    assert places is not None
    return NSteps(basis, agent.discount, places, agent.n is None, shape, dtype)


def way_words(agent: Any) -> str:
    """What a label says of the way, before the method's name."""
    if agent.n is None:
        return "whole-episode "
    return "" if agent.n == 1 else f"{agent.n}-step "


def trace_words(agent: Any) -> str:
    """What a label says of traces, behind the method's name."""
    return "" if agent.traces is None else f"({agent.trace_decay:g})"
