"""``check``: look at everything that an agent, a problem or a rule promises."""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium

from qlearn.agents.learner import Agent, Learner, Spec
from qlearn.checking import worlds
from qlearn.checking.agents import promises_of
from qlearn.checking.environments import promises_of_game, promises_of_model
from qlearn.checking.functional import promises_of_functions
from qlearn.checking.networks import promises_of_network
from qlearn.checking.outcome import Checked
from qlearn.checking.rules import promises_of_exploration, promises_of_rule
from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment, make
from qlearn.errors import InputError
from qlearn.training import parse_agent


def check(thing: Any) -> Checked:
    """Say which promises a thing keeps, and which it breaks.

    Args:
        thing: an agent, or its name as a text; an environment (what ``ql.make`` takes); a target policy
            ``(select, behaviour, next_action, mask) -> weights``; or an exploration policy.  An agent may say what it
            does not promise: a class attribute ``exempt = {"reward scaling": "its prior has a scale"}``.  What it
            promises beyond others it says too: ``unbiased = True`` (no upward bias of the maximum), ``cuts_traces =
            True`` (no credit through exploratory actions).

    Returns:
        The promises in order: print it for a table; ``.broken`` names what is broken, ``.fine`` says whether nothing
        is.

    Raises:
        InputError: where the thing is none of these, or cannot be tried at all.

    >>> import qlearn as ql
    >>> ql.check(ql.rules.q_learning).fine
    True
    """
    if isinstance(thing, str) and not _names_environment(thing):
        return check(parse_agent(thing))
    if isinstance(thing, type) and not issubclass(thing, (gymnasium.Env, JaxEnvironment)):
        raise InputError(f"{thing.__name__} is a class; expected something made from it. Pass {thing.__name__}(…).")
    if isinstance(thing, Agent):
        return _agent(thing)
    if hasattr(thing, "probabilities") and hasattr(thing, "sample"):
        return Checked(str(thing), "rule", promises_of_exploration(thing))
    if inspect.isfunction(thing) and len(inspect.signature(thing).parameters) == 4:
        return Checked(thing.__name__, "rule", promises_of_rule(thing))
    return _environment(make(thing))


def _names_environment(text: str) -> bool:
    """Whether a text is the id of an environment: ids begin with a capital, have a colon, or are registered."""
    name = text.partition("(")[0].strip()
    return name[:1].isupper() or ":" in name or name in gymnasium.registry


def _agent(agent: Any) -> Checked:
    spec = Spec(worlds.STATES, worlds.ACTIONS, worlds.CLOCK)
    learner = agent.learner(spec)
    if not isinstance(learner, Learner):
        raise InputError(
            f"{agent.label}: learner(spec) gave {type(learner).__name__}; expected a Learner with init, act, update "
            "and q_values. See docs/own-rule.md."
        )
    look = promises_of if learner.num_environments is None else promises_of_network
    return Checked(str(agent.label), "agent", look(agent))


def _environment(found: Any) -> Checked:
    if isinstance(found, FiniteMDP):
        return Checked(found.name, "environment", promises_of_model(found))
    if isinstance(found, HostEnvironment):
        return Checked(found.name, "environment", promises_of_game(found))
    assert isinstance(found, JaxEnvironment)
    return Checked(found.name, "environment", promises_of_functions(found))
