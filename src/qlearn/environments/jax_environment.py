"""Environments that are pure functions of JAX, written for one seed: the protocol, and what they share.

The engine adds the axes: ``vmap`` over seeds and over the environments of a seed, ``scan`` over time.  So ``reset``,
``observe`` and ``step`` see scalars and single observations.  They know nothing of time limits: the engine counts
steps, and tells an episode that ended (``terminated``) from one whose time ran out (``truncated``).
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp

from qlearn.environments.ids import LIMIT, time_limit_in
from qlearn.environments.naming import written
from qlearn.environments.parts import MASK, PLAIN, Part, mask_part
from qlearn.errors import InputError

Array = jax.Array
T = TypeVar("T")


class Draws(Protocol):
    """What an environment asks of the noise of a place: words, numbers, or a key of `jax.random`."""

    def bits(self, index: int = 0) -> Array:
        """A uniform uint32, the word number ``index``."""

    def uniform(self, index: int = 0) -> Array:
        """A float32 in [0, 1) from the word number ``index``."""

    def normal(self, slot: int | Array) -> Array:
        """A standard normal float32."""

    def key(self, slot: int | Array = 0) -> Array:
        """A typed key of `jax.random`."""


class JaxEnvironment(abc.ABC):
    """An environment on the device.  Subclasses are made with `device_environment`.

    ``step`` and ``reset`` are deterministic given their noise; ``state`` is any tree of arrays, the same shapes and
    dtypes from both.  Observations of several arrays are dicts: ``observation_shape`` is then a dict of shapes, and
    ``observation_dtype`` one dtype for all or a dict too.  Where some actions are not legal, define ``mask``.
    """

    version: ClassVar[int] = 1
    """Raised whenever the numbers change."""
    time_limit: int | None
    """Steps after which the engine truncates an episode; None for no limit."""

    if TYPE_CHECKING:  # any of these may be an attribute of the class, a field or a property

        @property
        def identity(self) -> str:
            """The id, without arguments."""

        @property
        def num_actions(self) -> int:
            """Actions are 0 to num_actions − 1."""

        @property
        def num_states(self) -> int:
            """Number of different observations; 0 where they are arrays."""

        @property
        def observation_shape(self) -> Any:
            """Of one observation; None where it is a number from 0 to num_states − 1; by name where it is a dict."""

        @property
        def observation_dtype(self) -> Any:
            """Of that array, or by name; numbers of states are int32."""

    else:
        num_states = 0
        observation_dtype = "float32"

    @property
    def reason(self) -> str:
        """Why there is no model."""
        return "it is a function of JAX, whose outcomes are not listed"

    @property
    def name(self) -> str:
        """What a user can type again: the id, and the settings that are not as usual.  Not to be read under `jit`."""
        return written(self.identity, settings_of(self))

    def mask(self, state: Any) -> Array | None:
        """Legal actions of a state, (num_actions,) bool; None where all are.

        A state that is not terminal has at least one.
        """
        return None

    @property
    def masked(self) -> bool:
        """Whether some actions may not be legal: where a class has a ``mask`` of its own."""
        return type(self).mask is not JaxEnvironment.mask

    @property
    def parts(self) -> tuple[Part, ...]:
        """What an observation is made of where it is a dict, or comes with the legal actions; else nothing."""
        return parts_of(self.observation_shape, self.observation_dtype, self.num_states, self.masked, self.num_actions)

    @abc.abstractmethod
    def reset(self, noise: Draws) -> Any:
        """A start state."""

    @abc.abstractmethod
    def observe(self, state: Any) -> Any:
        """What the agent sees of a state: an array, or a dict of arrays."""

    @abc.abstractmethod
    def step(self, state: Any, action: Array, noise: Draws, total: Array) -> tuple[Any, Array, Array]:
        """Take one step.

        Args:
            state: a state that is not terminal.
            action: a scalar int32.
            noise: the random numbers of this place.
            total: a scalar uint32, the steps of the run so far, for environments that change.

        Returns:
            The next state, the reward (scalar float32) and whether the episode really ended (scalar bool).
        """

    def observed(self, state: Any) -> Any:
        """What an agent is given of a state: `observe`, and what is legal there.

        Where nothing is legal any more, after the end of an episode, everything counts as legal: nobody acts there.
        """
        seen = self.observe(state)
        if not self.parts:
            return seen
        found = dict(seen) if isinstance(seen, Mapping) else {PLAIN: seen}
        if self.masked or MASK in found:
            mask = self.legal_actions(state)
            found[MASK] = mask | ~jnp.any(mask)
        return {p.name: jnp.asarray(found[p.name]).astype(p.dtype).reshape(p.shape) for p in self.parts}

    def legal_actions(self, state: Any) -> Array:
        """The mask of a state as it is, (num_actions,) bool."""
        mask = self.mask(state) if self.masked else self.observe(state)[MASK]
        return jnp.asarray(mask).astype(bool).reshape(self.num_actions)

    def __repr__(self) -> str:
        seen = f"{self.num_states} states" if self.observation_shape is None else f"observes {self.observation_shape}"
        limit = "" if self.time_limit is None else f", time limit {self.time_limit}"
        return f"<{type(self).__name__} {self.name}: {seen}, {self.num_actions} actions{limit}>"


def parts_of(shape: Any, dtype: Any, num_states: int, masked: bool, num_actions: int) -> tuple[Part, ...]:
    """The parts of an observation of these sizes; none where it is one array or number and nothing is masked."""
    if isinstance(shape, Mapping):
        kinds = {name: dtype[name] if isinstance(dtype, Mapping) else dtype for name in shape}
        kinds |= {MASK: "bool"} if MASK in kinds else {}
        found = tuple(Part(name, tuple(one), str(kinds[name])) for name, one in shape.items())
    elif not masked:
        return ()
    elif shape is None:
        found = (Part(PLAIN, (), "int32", num_states),)
    else:
        found = (Part(PLAIN, tuple(shape), str(dtype)),)
    return (*found, mask_part(num_actions)) if masked and all(part.name != MASK for part in found) else found


@dataclass_transform(frozen_default=True, kw_only_default=True)
def device_environment(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass (keyword arguments only) and a JAX tree.

    Fields annotated ``float`` or marked ``metadata={"leaf": True}`` are leaves, so that a new value compiles nothing;
    all others are structure.  ``__post_init__`` checks what a user gives; it does not run where JAX puts a tree
    together again.
    """
    made = dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)
    fields = dataclasses.fields(made)  # type: ignore[arg-type]
    leaves = tuple(f.name for f in fields if f.type == "float" or f.type is float or f.metadata.get("leaf"))
    structure = tuple(f.name for f in fields if f.name not in leaves)

    def flatten(thing: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(thing, n) for n in leaves), tuple(getattr(thing, n) for n in structure)

    def flatten_with_keys(thing: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        children, aux = flatten(thing)
        return [(jax.tree_util.GetAttrKey(n), c) for n, c in zip(leaves, children, strict=True)], aux

    def unflatten(aux: tuple[Any, ...], children: Iterable[Any]) -> Any:
        thing = object.__new__(made)
        for name, value in zip(leaves + structure, (*children, *aux), strict=True):
            object.__setattr__(thing, name, value)
        return thing

    jax.tree_util.register_pytree_with_keys(made, flatten_with_keys, unflatten, flatten)
    return made


def settings_of(environment: Any) -> dict[str, Any]:
    """The fields that differ from their defaults, as the arguments of an id."""
    changed = {}
    for field in dataclasses.fields(environment):
        value = getattr(environment, field.name)
        if field.init and value != field.default:
            changed[LIMIT if field.name == "time_limit" else field.name] = value
    return changed


def check_number(owner: Any, name: str, *, positive: bool = False) -> None:
    """Check that a field is a finite number, above 0 where ``positive``, and store it as a float.

    Raises:
        InputError: naming the environment, the field and the value.
    """
    value = getattr(owner, name)
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (positive and number <= 0):
        expected = "a number above 0" if positive else "a finite number"
        raise InputError(f"{owner.identity}: {name}={value!r} is out of range; expected {expected}. Pass such a one.")
    object.__setattr__(owner, name, number)


def check_settings(owner: Any, positive: Iterable[str] = (), finite: Iterable[str] = ()) -> None:
    """Check the fields of a problem of ours; raises InputError."""
    for name in positive:
        check_number(owner, name, positive=True)
    for name in finite:
        check_number(owner, name)
    object.__setattr__(owner, "time_limit", time_limit_in(owner.time_limit, owner.identity))
