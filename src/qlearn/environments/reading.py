"""What an environment shows, read and checked: numbers that are counted, arrays, and which actions are legal.

Every fault names the environment and says what its space declares.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qlearn.environments.parts import Part
from qlearn.errors import EnvironmentFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEND = "Mend the environment: `gymnasium.utils.env_checker.check_env` finds such faults."


class Reader(NamedTuple):
    """How one part is read from what an environment shows.

    ``path`` leads to it through dicts and tuples.  ``sizes`` and ``starts`` are those of the components that are
    counted, none for arrays; ``one_hot``: each component becomes a row of zeros and a one, side by side.
    """

    part: Part
    path: tuple[str | int, ...] = ()
    sizes: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    one_hot: bool = False

    def read(self, owner: str, observation: Any) -> NDArray[Any]:
        """The array of this part, of its shape and dtype.

        Raises:
            EnvironmentFault: where the observation has no such part, or another one than declared.
        """
        found = self.found(owner, observation)
        owner = f"{owner} (in {self.part.name!r})" if self.path else owner
        if not self.sizes:
            return read_array(owner, found, self.part.shape, self.part.dtype)
        columns = np.asarray(found).reshape(-1, 1)
        if not self.one_hot:
            return read_numbers(owner, columns, self.sizes, self.starts, found)[0].astype(self.part.dtype)
        read_numbers(owner, columns, self.sizes, self.starts, found)
        row = np.zeros(self.part.shape, bool)
        row[columns[:, 0].astype(np.int64) - np.array(self.starts) + _begins(self.sizes)] = True
        return row

    def found(self, owner: str, observation: Any) -> Any:
        """What lies at the path, as the environment gave it; raises EnvironmentFault where nothing does."""
        found = observation
        for step in self.path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError) as error:
                raise EnvironmentFault(
                    f"{owner} gave the observation {short(observation)}, which has no {self.part.name!r}. {MEND}"
                ) from error
        return found


def read_array(owner: str, given: Any, shape: tuple[int, ...], declared: str) -> NDArray[Any]:
    """An array of this shape, with numbers that the declared dtype can hold; raises EnvironmentFault."""
    try:
        array = np.asarray(given)
    except ValueError:  # a list of unequal lists
        array = np.empty(0, dtype=object)
    dtype = np.dtype(declared)
    if array.dtype.kind not in "fiub":
        raise EnvironmentFault(
            f"{owner} gave the observation {short(given)}, which holds no numbers; expected an array of shape "
            f"{shape}. {MEND}"
        )
    if array.shape != shape:
        raise EnvironmentFault(f"{owner} gave an observation of shape {array.shape}; its space says {shape}. {MEND}")
    if array.dtype != dtype:
        with np.errstate(over="ignore", invalid="ignore"):
            whole = array.astype(dtype)
        if dtype.kind != "f" and not np.array_equal(whole, array):
            raise EnvironmentFault(
                f"{owner} gave the observation {short(given)}; not all of it are numbers that {dtype} can "
                f"hold, as its space says. {MEND}"
            )
        array = whole
    if dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise EnvironmentFault(
            f"{owner} gave an observation with {np.asarray(given)[place]} at {list(place)}; expected finite "
            f"numbers of {dtype}. {MEND}"
        )
    return array


def read_numbers(
    owner: str, columns: NDArray[Any], sizes: tuple[int, ...], starts: tuple[int, ...], given: Any
) -> NDArray[np.int64]:
    """The numbers of observations whose components are counted, the last one fastest; raises EnvironmentFault.

    Args:
        owner: the environment's name.
        columns: (components, n).
        sizes: number of values of each component.
        starts: the lowest value of each.
        given: what to show in a message.
    """
    if len(columns) != len(sizes):
        raise EnvironmentFault(
            f"{owner} gave the observation {given!r}; it has {len(columns)} components, its space "
            f"has {len(sizes)}. {MEND}"
        )
    if columns.dtype.kind not in "biuf" or not np.isfinite(columns).all():
        raise EnvironmentFault(f"{owner} gave the observation {given!r}, which holds no whole numbers. {MEND}")
    whole = columns.astype(np.int64)
    values = whole - np.array(starts)[:, None]
    if ((whole != columns) | (values < 0) | (values >= np.array(sizes)[:, None])).any():
        raise EnvironmentFault(f"{owner} gave the observation {given!r}, which lies outside its space. {MEND}")
    numbers: NDArray[np.int64] = np.array(_strides(sizes)) @ values
    return numbers


def read_mask(owner: str, given: Any, num_actions: int, *, over: bool) -> NDArray[np.bool_]:
    """Which actions are legal, (num_actions,) bool.

    Args:
        owner: the environment's name.
        given: what it said.
        num_actions: how many actions there are.
        over: whether the episode has really ended, so that nobody acts: everything then counts as legal where
            nothing is.

    Raises:
        EnvironmentFault: where it is no such mask, or a state that goes on has no legal action.
    """
    expected = f"expected {num_actions} numbers, 1 where an action is legal and 0 elsewhere"
    try:
        mask = np.asarray(given)
    except ValueError:
        mask = np.empty(0, dtype=object)
    if mask.shape != (num_actions,) or mask.dtype.kind not in "fiub" or not np.isin(mask, (0, 1)).all():
        raise EnvironmentFault(f"{owner} gave the action mask {short(given)}; {expected}. Mend its mask.")
    legal: NDArray[np.bool_] = mask.astype(np.bool_)
    if legal.any():
        return legal
    if not over:
        raise EnvironmentFault(
            f"{owner} reached a state without a legal action; expected at least one in every state that is not "
            "terminal. Mend its mask, or end the episode there (terminated=True)."
        )
    return np.ones(num_actions, np.bool_)


def _begins(sizes: tuple[int, ...]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def _strides(sizes: tuple[int, ...]) -> list[int]:
    return list(itertools.accumulate(reversed(sizes[1:]), lambda a, b: a * b, initial=1))[::-1]


def short(given: Any) -> str:
    """What was given, in at most 80 characters."""
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}…"
