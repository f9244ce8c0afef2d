"""What a DQN's settings must be, each by itself and with the others."""

from __future__ import annotations

from typing import Any

from qlearn.agents.networked import check_networked
from qlearn.agents.priorities import Priorities
from qlearn.agents.replay import MOST
from qlearn.errors import InputError
from qlearn.rules.description import choice, number, whole
from qlearn.rules.munchausen import Munchausen

_COUNTS = ("replay", "batch_size", "learning_starts", "train_every", "updates", "n_step", "num_environments", "frames")


def check_dqn(agent: Any) -> None:
    """Check all settings but the model and the optimizer; raises InputError."""
    check_networked(agent)
    for name in _COUNTS:
        whole(agent, name)
    for name in ("double", "dueling", "noisy"):
        value = getattr(agent, name)
        if not isinstance(value, bool):
            _refuse(f"{name}={value!r}", "True or False", "Pass one of them")
    choice(agent, "loss", ("squared", "huber"))
    if agent.max_gradient_norm is not None:
        number(agent, "max_gradient_norm", 0.0, open_low=True)
    _check_target(agent)
    _check_multiples(agent)
    _check_sizes(agent)
    _check_parts(agent)


def _check_parts(agent: Any) -> None:
    """The head, the priorities and Munchausen's rule, by themselves and together."""
    head, priorities = agent.head, agent.priorities
    if head is not None and not all(hasattr(head, name) for name in ("form", "means", "target", "losses")):
        _refuse(f"head={head!r} is no head", "None or a head", "Pass Categorical(low, high), Quantiles() or the like")
    if head is not None and agent.loss != "squared":
        _refuse(f"loss={agent.loss!r} with head={head!r}", "no loss where a head has its own", "Pass no loss")
    if priorities is not None and not isinstance(priorities, Priorities):
        _refuse(f"priorities={priorities!r}", "None or Priorities(…)", "Pass Priorities()")
    if agent.munchausen is not None and not isinstance(agent.munchausen, Munchausen):
        _refuse(f"munchausen={agent.munchausen!r}", "None or Munchausen(…)", "Pass Munchausen()")
    if agent.munchausen is not None and agent.n_step > 1:
        _refuse(
            f"munchausen with n_step={agent.n_step}",
            "one step, since the policy's logarithm belongs to every reward on the way, and only the first state is "
            "at hand",
            "Pass n_step=1 or munchausen=None",
        )
    window = agent.train_every + (agent.n_step - 1) * agent.num_environments
    if priorities is not None and agent.replay < window:
        _refuse(
            f"replay={agent.replay} with priorities",
            f"at least train_every + (n_step - 1) · num_environments = {window} places",
            f"Pass replay={-(-window // agent.train_every) * agent.train_every} or more",
        )


def _check_target(agent: Any) -> None:
    if (agent.target_every is None) == (agent.target_rate is None):
        both = "both given" if agent.target_rate is not None else "both None"
        _refuse(
            f"target_every={agent.target_every!r} and target_rate={agent.target_rate!r} are {both}",
            "one of them: a hard copy every so many steps, or a soft one after every gradient step",
            "Pass target_every=500 alone, or target_every=None, target_rate=0.005",
        )
    if agent.target_rate is not None:
        number(agent, "target_rate", 0.0, 1.0, open_low=True)
    else:
        whole(agent, "target_every")


def _check_multiples(agent: Any) -> None:
    _multiple(agent, "train_every", "num_environments", "every environment makes the same number of steps")
    _multiple(agent, "replay", "train_every", "what is written at once never runs over the end")
    if agent.target_every is not None:
        _multiple(agent, "target_every", "train_every", "the target is copied after an update")


def _multiple(agent: Any, name: str, of: str, why: str) -> None:
    value, unit = getattr(agent, name), getattr(agent, of)
    if value % unit:
        near = max(1, round(value / unit)) * unit
        _refuse(f"{name}={value}", f"a multiple of {of}={unit}, so that {why}", f"Pass {name}={near}")


def _check_sizes(agent: Any) -> None:
    walk = agent.n_step * agent.num_environments
    if agent.replay > MOST:
        _refuse(f"replay={agent.replay}", f"at most {MOST}, which 32-bit indices reach", f"Pass replay={MOST} or fewer")
    if agent.batch_size > agent.replay:
        _refuse(
            f"batch_size={agent.batch_size} is larger than replay={agent.replay}",
            "a batch that the replay holds",
            "Pass a larger replay or a smaller batch_size",
        )
    if agent.learning_starts < agent.batch_size:
        _refuse(
            f"learning_starts={agent.learning_starts} is smaller than batch_size={agent.batch_size}",
            "steps for at least one batch before learning starts",
            f"Pass learning_starts={agent.batch_size} or more",
        )
    if min(agent.replay, agent.learning_starts) < walk:
        _refuse(
            f"replay={agent.replay} with learning_starts={agent.learning_starts}",
            f"at least n_step · num_environments = {walk} steps in each, so that there are {agent.n_step} in a row",
            f"Pass both as {walk} or more, or a smaller n_step",
        )


def _refuse(wrong: str, expected: str, cure: str) -> None:
    raise InputError(f"DQN: {wrong}; expected {expected}. {cure}.")
