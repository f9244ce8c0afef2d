"""Agents by name, as a command line or a file writes them: ``q-learning(learning_rate=0.1, exploration=greedy)``.

Nothing is evaluated: the text is read as a tree of names, keywords and plain values, and only the names listed here
mean anything.  Dashes and underscores in names are the same; a bare word is text.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

from qlearn.agents.convolution import convolution
from qlearn.agents.mlp import mlp
from qlearn.agents.nature_cnn import nature_cnn
from qlearn.agents.network import Network
from qlearn.agents.optimizer import Optimizer
from qlearn.errors import InputError, nearest
from qlearn.rules.schedules import Constant
from qlearn.training.vocabulary import AGENTS, FIRST, NAME_OF, PARTS, optimizer_words


def agents_by_name() -> dict[str, tuple[Callable[..., Any], str]]:
    """Every agent's name, what makes it, and one line about it.

    >>> agents_by_name()["sarsa"][1]
    'Sarsa on a table: on-policy, towards the behaviour policy itself.'
    """
    return {name: (make, (inspect.getdoc(make) or "").splitlines()[0]) for name, make in AGENTS.items()}


def parse_agent(text: str) -> Any:
    """The agent that a text names: ``name`` or ``name(key=value, …)``.

    Values are numbers, words, or explorations, schedules, networks and optimizers written the same way.

    Raises:
        InputError: naming what could not be read, with the nearest known name.

    >>> parse_agent("q-learning(learning_rate=0.5, exploration=epsilon-greedy(linear(1, 0.1, over=50)))").label
    'ε-greedy Q-learning'
    """
    if re.fullmatch(r"\s*[\w-]+\s*", text) is None and "(" not in text:
        raise _unreadable(text)
    joined = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", "_", text)
    try:
        tree = ast.parse(joined.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _unreadable(text) from error
    return _made(tree, AGENTS, text, "agent")


def written_agent(agent: Any) -> str | None:
    """What ``parse_agent`` reads to make this agent again; None where it is not one of qlearn's own.

    >>> from qlearn.agents import QLearning
    >>> written_agent(QLearning(learning_rate=0.5))
    'q-learning(learning_rate=0.5)'
    """
    if type(agent) not in NAME_OF:
        return None
    try:
        return _written(agent)
    except KeyError:
        return None


def _unreadable(text: str) -> InputError:
    return InputError(
        f"{text!r} cannot be read as an agent; write `name` or `name(key=value, …)`, for example `sarsa`."
    )


def _made(tree: ast.expr, known: dict[str, Callable[..., Any]], text: str, what: str) -> Any:
    call = tree if isinstance(tree, ast.Call) else None
    head = call.func if call else tree
    if not isinstance(head, ast.Name):
        raise _unreadable(text)
    name = head.id.replace("_", "-")
    if name not in known:
        raise InputError(f"{name!r} is no known {what}{nearest(name, known) or '.'} Known are {', '.join(known)}.")
    positional = [value_of(a, text) for a in call.args] if call else []
    if call and any(word.arg is None for word in call.keywords):
        raise _unreadable(text)
    words = inspect.signature(known[name]).parameters
    keywords = {str(w.arg): _given(words.get(str(w.arg)), w.value, text) for w in call.keywords} if call else {}
    return called(name, known[name], positional, keywords)


def called(name: str, make: Callable[..., Any], positional: list[Any], keywords: dict[str, Any]) -> Any:
    """What a name makes with these settings; raises InputError naming the one that it does not take."""
    parameters = inspect.signature(make).parameters
    accepted = list(parameters)
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())  # Keras' optimizers check their own
    for key in keywords:
        if key not in accepted and not anything:
            options = f"it takes {', '.join(accepted)}" if accepted else "it takes none"
            raise InputError(f"{name} has no setting {key!r}{nearest(key, accepted) or ';'} {options}.")
    try:
        inspect.signature(make).bind(*positional, **keywords)
    except TypeError as error:
        raise InputError(
            f"{name}: {error}; it takes {', '.join(accepted) or 'nothing'}, by name: key=value."
        ) from error
    try:
        return make(*positional, **keywords)
    except (TypeError, AttributeError) as error:
        raise InputError(f"{name}: a setting has a value of the wrong kind ({error}). See `qlearn agents`.") from error


def _given(parameter: inspect.Parameter | None, tree: ast.expr, text: str) -> Any:
    """The value of a keyword; where a setting is one of some words, ``greedy`` is a word and no exploration."""
    choice = parameter is not None and isinstance(parameter.default, str)
    return tree.id if choice and isinstance(tree, ast.Name) else value_of(tree, text)


def value_of(tree: ast.expr, text: str) -> Any:
    """The value that a tree writes: a part, a word or a plain value; ``text`` is named where it is none."""
    if isinstance(tree, ast.Call):
        return _made(tree, {**PARTS, **AGENTS}, text, "exploration, schedule, network, optimizer or agent")
    if isinstance(tree, ast.Name):
        word = tree.id.replace("_", "-")
        return called(word, PARTS[word], [], {}) if word in PARTS else tree.id
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        raise _unreadable(text) from error


def _written(thing: Any) -> str:
    if isinstance(thing, Constant):
        return repr(thing.start)
    if isinstance(thing, Network):
        return _written_network(thing)
    if isinstance(thing, Optimizer):
        return optimizer_words(thing)
    if callable(thing) and not dataclasses.is_dataclass(thing):
        raise KeyError(thing)  # a function, which no text names
    if not dataclasses.is_dataclass(thing):
        return thing if isinstance(thing, str) else repr(thing)
    kind = type(thing)
    words = []
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if not field.init or value == _default(field):
            continue
        bare = field.name in FIRST.get(kind, ())
        words.append(_written(value) if bare else f"{field.name}={_written(value)}")
    return NAME_OF[kind] + (f"({', '.join(words)})" if words else "")


def _written_network(network: Network) -> str:
    """An ``mlp``, ``convolution`` or ``nature_cnn``; a KeyError for any other network, which no text names."""
    if not isinstance(network.builder, (mlp, convolution, nature_cnn)):
        raise KeyError(network)
    return repr(network.builder)


def _default(field: dataclasses.Field[Any]) -> Any:
    default = field.default
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    schedule = is_number and "Schedule" in str(field.type)
    return Constant(start=float(default)) if schedule else default  # type: ignore[arg-type]
