"""What a finite model must satisfy; a message names the state and the action, what is expected and the mend.

Everything here works on whole arrays: a model of a million states is checked in about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qlearn.errors import InputError, nearest

if TYPE_CHECKING:
    from qlearn.environments.finite_mdp import FiniteMDP

TOLERANCE = 1e-9


def frozen_array(field: str, values: Any, dtype: Any) -> NDArray[Any]:
    """Return the values as a read-only array of its own; one that is read-only already is not copied."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuf" or given.ndim != 1:
        raise InputError(
            f"`{field}` has dtype {given.dtype} and shape {given.shape}; it must be one-dimensional and "
            "numeric. See FiniteMDP for the shape of each array."
        )
    if dtype is np.bool_ and given.dtype != np.bool_ and not np.isin(given, (0, 1)).all():
        raise InputError(f"`{field}` holds other values than True and False; pass booleans.")
    if np.issubdtype(dtype, np.integer) and given.dtype.kind == "f" and not (given == np.rint(given)).all():
        raise InputError(f"`{field}` holds fractions; it must hold whole numbers.")
    if field == "next_state" and given.size and (given.min() < -1 or given.max() > np.iinfo(np.int32).max):
        raise InputError("`next_state` exceeds 32 bits; a model holds at most 2,147,483,647 states.")
    array = given.astype(dtype, copy=given.flags.writeable)
    array.setflags(write=False)
    return array


def check(mdp: FiniteMDP) -> None:
    """Raise an `InputError` unless everything that `FiniteMDP` promises holds."""
    _check_sizes(mdp)
    _check_names("state_names", mdp.state_names, mdp.num_states)
    _check_names("action_names", mdp.action_names, mdp.num_actions)
    _check_outcomes(mdp)
    _check_rows(mdp)
    _check_initial(mdp)
    _check_time_limit(mdp.time_limit)
    _check_changes(mdp)


def row_name(mdp: FiniteMDP, row: int) -> str:
    """Return ``P[3, 1] (state 'C', action 'left')``."""
    state, action = divmod(int(row), mdp.num_actions)
    names = [f"state {mdp.state_names[state]!r}"] if mdp.state_names is not None else []
    names += [f"action {mdp.action_names[action]!r}"] if mdp.action_names is not None else []
    return f"`P[{state}, {action}]`" + (f" ({', '.join(names)})" if names else "")


def state_label(mdp: FiniteMDP, state: int) -> str:
    """Return ``state 3 ('C')``."""
    return f"state {state}" + (f" ({mdp.state_names[state]!r})" if mdp.state_names is not None else "")


def _check_sizes(mdp: FiniteMDP) -> None:
    for field in ("num_states", "num_actions"):
        size = getattr(mdp, field)
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise InputError(f"`{field}` is {size!r}; it must be a whole number of at least 1.")
        object.__setattr__(mdp, field, int(size))
    offsets, cells = mdp.offsets, mdp.num_states * mdp.num_actions
    if offsets.shape != (cells + 1,):
        raise InputError(
            f"`offsets` has {offsets.size} entries; {mdp.num_states} states × {mdp.num_actions} actions need "
            f"{cells + 1}. Give one offset for each (state, action), and the end."
        )
    if offsets[0] != 0 or (falling := np.flatnonzero(np.diff(offsets) < 0)).size:
        where = "0" if offsets[0] != 0 else str(int(falling[0]) + 1)
        raise InputError(f"`offsets[{where}]` is {offsets[int(where)]}; offsets start at 0 and never fall.")
    for field in ("probability", "next_state", "reward", "terminated", "reward_std"):
        array = getattr(mdp, field)
        if array is not None and array.size != offsets[-1]:
            raise InputError(
                f"`{field}` has {array.size} entries, `offsets` ends at {offsets[-1]}; they must agree. "
                "Give one entry for each outcome."
            )


def _check_names(field: str, names: tuple[str, ...] | None, size: int) -> None:
    if names is None:
        return
    if len(names) != size:
        raise InputError(f"`{field}` has {len(names)} names; {size} are needed. Name all of them or none.")
    if len(set(names)) != size:
        twice = next(name for position, name in enumerate(names) if name in names[:position])
        raise InputError(f"`{field}` has {twice!r} twice; names must differ. Rename one of them.")


def _check_outcomes(mdp: FiniteMDP) -> None:
    """Find the first outcome that cannot be."""
    _refuse(
        mdp,
        ~(np.isfinite(mdp.probability) & (mdp.probability > 0)),
        lambda i: f"has an outcome of probability {mdp.probability[i]:g}; it must be above 0. Leave the outcome out",
    )
    _refuse(
        mdp,
        (mdp.next_state < 0) | (mdp.next_state >= mdp.num_states),
        lambda i: f"leads to state {mdp.next_state[i]}; states are 0 to {mdp.num_states - 1}. Correct `next_state`",
    )
    _refuse(
        mdp,
        ~np.isfinite(mdp.reward),
        lambda i: f"pays {mdp.reward[i]}; a reward must be finite. Correct `reward`",
    )
    if (std := mdp.reward_std) is not None:
        _refuse(
            mdp,
            ~(np.isfinite(std) & (std >= 0)),
            lambda i: f"has a reward with standard deviation {std[i]:g}; it must be 0 or more. Correct `reward_std`",
        )


def _refuse(mdp: FiniteMDP, wrong: NDArray[np.bool_], say: Any) -> None:
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    row = int(np.searchsorted(mdp.offsets, first, side="right")) - 1
    raise InputError(f"{row_name(mdp, row)} {say(first)}.")


def _check_rows(mdp: FiniteMDP) -> None:
    lengths = np.diff(mdp.offsets)
    filled = np.flatnonzero(lengths)
    actions_in = (lengths.reshape(mdp.num_states, mdp.num_actions) > 0).any(axis=1)
    if not actions_in.all():
        state = int(np.argmin(actions_in))
        raise InputError(
            f"{state_label(mdp, state)} has no action; every state must have at least one. "
            "If the episode ends there, say so: list it in `terminals` or let an outcome that ends lead "
            "nowhere else."
        )
    sums = np.add.reduceat(mdp.probability, mdp.offsets[filled])
    wrong = np.abs(sums - 1.0) > TOLERANCE
    if wrong.any():
        worst = int(np.argmax(wrong))
        raise InputError(
            f"{row_name(mdp, filled[worst])} sums to {_short(sums[worst])}; a row must sum to 1 ± 1e-9. "
            "Fix the row or pass `normalize=True`."
        )


def _check_initial(mdp: FiniteMDP) -> None:
    initial = mdp.initial
    if initial.shape != (mdp.num_states,):
        raise InputError(f"`initial` has {initial.size} entries; there are {mdp.num_states} states. Give one for each.")
    wrong = ~(np.isfinite(initial) & (initial >= 0))
    if wrong.any():
        state = int(np.argmax(wrong))
        raise InputError(
            f"`initial` gives {state_label(mdp, state)} the probability {initial[state]:g}; it must be 0 or "
            "more. Correct it."
        )
    if abs(initial.sum() - 1.0) > TOLERANCE:
        raise InputError(f"`initial` sums to {_short(initial.sum())}; it must sum to 1 ± 1e-9. Divide it by its sum.")


def _check_time_limit(limit: Any) -> None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1):
        raise InputError(f"`time_limit` is {limit!r}; it must be a whole number of at least 1, or None for no limit.")


def _check_changes(mdp: FiniteMDP) -> None:
    before = 0
    at: Any
    for at, model in mdp.changes:
        if isinstance(at, bool) or not isinstance(at, int | np.integer) or at <= before:
            raise InputError(f"`changes` has step {at!r} after {before}; steps must be whole numbers that rise from 1.")
        same = ("num_states", "num_actions", "time_limit")
        differing = [field for field in same if getattr(mdp, field) != getattr(model, field)]
        if differing or model.changes:
            what = f"another `{differing[0]}`" if differing else "changes of its own"
            raise InputError(
                f"The model from step {at} on has {what}; it must agree in {', '.join(same)} and not change itself."
            )
        if not np.array_equal(mdp.legal, model.legal):
            row = int(np.flatnonzero((mdp.legal != model.legal).ravel())[0])
            raise InputError(
                f"{row_name(mdp, row)} is legal in one model and not in the one from step {at} on; the same "
                "actions must be legal in both. Let the blocked action stay where it is instead."
            )
        before = int(at)


def _short(total: float) -> str:
    """Return six digits, or as many as it takes to differ from 1."""
    return text if float(text := f"{total:.6g}") != 1.0 else f"{total:.12g}"


def known_names(what: str, name: str, names: Sequence[str]) -> str:
    """Return the end of a message about a name that is not there: the near miss, or all there are."""
    listed = ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
    return nearest(name, names) or f"; the {what} are {listed}."
