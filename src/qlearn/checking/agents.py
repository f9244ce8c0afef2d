"""What every agent with a table promises, looked at on small problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from scipy import stats

from qlearn.checking import worlds
from qlearn.checking.altered import altered
from qlearn.checking.convergence import converges
from qlearn.checking.driven import driven
from qlearn.checking.fed import fed
from qlearn.checking.outcome import Promise, Verdict
from qlearn.environments import FiniteMDP
from qlearn.errors import InputError
from qlearn.rules import EpsilonGreedy, Greedy
from qlearn.training import Runs, train

Numbers = np.ndarray[Any, Any]
_EPISODES, _SEEDS, _MANY = 25, 5, 448
_STRANGE = 5.0  # standard errors that chance reaches once in a million


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a promise looks at: the agent, and runs of it that several promises share."""

    agent: Any
    problem: FiniteMDP
    runs: Runs

    def train(self, agent: Any, problem: Any, **budget: Any) -> Runs:
        """Train; five seeds of 25 episodes unless told otherwise."""
        return train(agent, problem, progress=False, **({"episodes": _EPISODES, "seeds": _SEEDS} | budget))


Look = Callable[[Seen], tuple[Verdict, str]]


def promises_of(agent: Any) -> tuple[Promise, ...]:
    """Look at every promise of an agent; what cannot be tried at all is one broken promise."""
    problem = worlds.random_problem()
    runs = train(agent, problem, episodes=_EPISODES, seeds=_SEEDS, snapshots=5, progress=False)
    seen = Seen(agent, problem, runs)
    exempt = dict(getattr(agent, "exempt", {}))
    found = []
    for name, (says, look) in PROMISES.items():
        if name in exempt:
            found.append(Promise(name, says, "does not apply", exempt[name]))
            continue
        verdict, words = look(seen)
        found.append(Promise(name, says, verdict, words))
    return tuple(found)


def _judged(fine: bool, words: str) -> tuple[Verdict, str]:
    return ("kept" if fine else "broken"), words


def _finite(seen: Seen) -> tuple[Verdict, str]:
    bad = int((~np.isfinite(seen.runs.q_table)).sum())
    return _judged(bad == 0, f"{bad} of {seen.runs.q_table.size} values are no finite numbers")


def _described(seen: Seen) -> tuple[Verdict, str]:
    agent = seen.agent
    fine = isinstance(agent.label, str) and bool(agent.label) and isinstance(agent.version, int) and agent.version >= 1
    return _judged(fine, f"label {agent.label!r}, version {agent.version!r}")


def _leaves(seen: Seen) -> tuple[Verdict, str]:
    """Change every field that is a plain float: the structure that programs are compiled for must stay."""
    tried = []
    for field in dataclasses.fields(seen.agent) if dataclasses.is_dataclass(seen.agent) else ():
        value = getattr(seen.agent, field.name)
        if not field.init or not isinstance(value, float):
            continue
        try:  # two new values: 0 may stand for something else, such as no traces at all
            one, other = (dataclasses.replace(seen.agent, **{field.name: x * value + 0.125}) for x in (0.75, 0.5))
            other = dataclasses.replace(other, **{field.name: 0.5 * value + 0.25})
        except InputError:
            continue
        tried.append(field.name)
        trees: tuple[Any, Any] = (jax.tree.structure(one), jax.tree.structure(other))
        if trees[0] != trees[1]:
            return "broken", f"{field.name} is structure: declare it `float` in a class made with @ql.agent"
    words = f"{', '.join(tried)} are leaves" if tried else "it has no field that is a plain number"
    return ("kept" if tried else "does not apply"), words


def _same(one: Runs, other: Runs, rows: Any = slice(None)) -> tuple[Verdict, str]:
    same = np.array_equal(one.q_table, other.q_table[rows], equal_nan=True)
    same &= np.array_equal(one.visits, other.visits[rows]) and np.array_equal(one.returns, other.returns[rows])
    apart = float(np.abs(one.q_table - other.q_table[rows]).max())
    return _judged(bool(same), "the same to the bit" if same else f"values differ by up to {apart:.3g}")


def _again(seen: Seen) -> tuple[Verdict, str]:
    return _same(seen.train(seen.agent, seen.problem), seen.runs)


def _neighbours(seen: Seen) -> tuple[Verdict, str]:
    others = [17, 3, 80, 0, 4_000_000_000, 1, 2, 4, *range(100, 160)]
    more = seen.train(seen.agent, seen.problem, seeds=others)
    rows = [others.index(seed) for seed in range(_SEEDS)]
    return _same(seen.runs, more, rows)


def _loops(seen: Seen) -> tuple[Verdict, str]:
    device = seen.train(seen.agent, seen.problem, episodes=6, seeds=3)
    host = seen.train(seen.agent, fed(seen.problem, 3, 6), episodes=6, seeds=3)
    if not (np.array_equal(device.visits, host.visits) and np.array_equal(device.returns, host.returns)):
        return "broken", "the two loops take different steps on the same noise"
    apart = float(np.abs(device.q_table - host.q_table).max())
    return _judged(apart < 1e-4 * (1.0 + np.abs(device.q_table).max()), f"same steps; values within {apart:.2g}")


def _end(seen: Seen) -> tuple[Verdict, str]:
    tables = seen.runs.snapshots.q_tables if seen.runs.snapshots is not None else seen.runs.q_table[:, None]
    moved = float(np.abs(tables[:, :, worlds.LAST] - tables[:, :1, worlds.LAST]).max())
    return _judged(
        moved <= 1e-5 * float(np.abs(tables).max()), f"values of the state that ends an episode moved by {moved:.3g}"
    )


def _value_of_start(seen: Seen, problem: FiniteMDP) -> tuple[Numbers, float]:
    """Values of the actions taken in state 0, and the largest error of what they were told."""
    runs = seen.train(altered(seen.agent, discount=0.5, learning_rate=0.5), problem, episodes=120)
    return runs.q_table[:, 0][runs.visits[:, 0] > 12], float(runs.agent.discount or 0.0)


def _terminated(seen: Seen) -> tuple[Verdict, str]:
    if seen.agent.discount is None:
        return "does not apply", "it has no discount, so that its values have no scale"
    values, _ = _value_of_start(seen, worlds.ended())
    off = float(np.abs(values - 1.0).max())
    return _judged(off < 0.02, f"a reward of 1 that ends the episode is worth {values.mean():.3f}")


def _truncated(seen: Seen) -> tuple[Verdict, str]:
    if seen.agent.discount is None:
        return "does not apply", "it has no discount, so that its values have no scale"
    values, discount = _value_of_start(seen, worlds.endless())
    truth = 1.0 / (1.0 - discount) if discount < 1 else np.inf
    off = float(np.abs(values - truth).max())
    return _judged(off < 0.02, f"1 a step for ever, at discount {discount:g}, is worth {values.mean():.3f}, not more")


def _ties(seen: Seen) -> tuple[Verdict, str]:
    if getattr(seen.agent.exploration, "ties", "random") != "random":
        return "does not apply", "its description takes the first of equal actions"
    assert seen.runs.snapshots is not None
    if np.ptp(seen.runs.snapshots.q_tables[:, 0, 0]) > 0:
        return "does not apply", "its first values are not equal"
    runs = seen.train(seen.agent, worlds.ended(), episodes=1, seeds=_MANY)  # an episode of one step
    counts = runs.visits[:, 0].sum(axis=0)
    chance = float(stats.chisquare(counts).pvalue)
    return _judged(chance > 1e-6, f"first actions of {_MANY} seeds: {', '.join(map(str, counts))}")


def _labels(seen: Seen) -> tuple[Verdict, str]:
    if getattr(seen.agent.exploration, "ties", "random") != "random":
        return "does not apply", "its description takes the first of equal actions, so that numbering matters"
    other, state, action = worlds.relabelled(seen.problem)
    one = seen.train(seen.agent, seen.problem, episodes=10, seeds=range(_MANY))
    two = seen.train(seen.agent, other, episodes=10, seeds=range(_MANY, 2 * _MANY))
    back = two.q_table[:, state][:, :, action]
    strange = 0.0
    for a, b in ((one.q_table, back), (one.returns.mean(axis=1), two.returns.mean(axis=1))):
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / _MANY) + 1e-6
        strange = max(strange, float((np.abs(a.mean(axis=0) - b.mean(axis=0)) / error).max()))
    return _judged(strange < _STRANGE, f"means differ by at most {strange:.1f} standard errors")


def _scale(seen: Seen) -> tuple[Verdict, str]:
    agent = seen.agent
    if getattr(agent, "initial_value", 0.0) != 0.0 or not isinstance(agent.exploration, (EpsilonGreedy, Greedy)):
        return "does not apply", "its first values or its exploration have a scale of their own"
    times = seen.train(agent, worlds.scaled(seen.problem, 4.0))
    wanted = seen.runs.q_table * np.float32(4)
    if not np.array_equal(seen.runs.visits, times.visits):
        return "broken", "with rewards times 4 it acts otherwise"
    off = float(np.abs(times.q_table - wanted).max() / max(np.abs(wanted).max(), 1e-30))
    return _judged(off < 1e-4, "the same to the bit" if off == 0 else f"off by {off:.2g} of the largest value")


def _bias(seen: Seen) -> tuple[Verdict, str]:
    if not getattr(seen.agent, "unbiased", False):
        return "does not apply", "it does not say that its maximum is without upward bias (`unbiased = True`)"
    runs = seen.train(seen.agent, worlds.noisy_choice(), episodes=60, seeds=_MANY)
    values = runs.q_table[:, 0].max(axis=1)
    error = float(values.std(ddof=1) / np.sqrt(_MANY))
    strange = float(values.mean()) / error
    return _judged(strange < _STRANGE, f"choices worth 0 are held for {values.mean():+.3f} (± {error:.3f})")


def _cut(seen: Seen) -> tuple[Verdict, str]:
    if not getattr(seen.agent, "cuts_traces", False):
        return "does not apply", "it does not say that it cuts traces (`cuts_traces = True`)"
    taught = [(1, 0, 1.0, worlds.LAST, True)] * 3  # action 0 is the greedy one in state 1 from here on
    tables = driven(seen.agent, [*taught, (0, 0, 0.0, 1, False), (1, 1, 8.0, worlds.LAST, True)])
    moved = float(abs(tables[-1][0, 0] - tables[-2][0, 0]))
    return _judged(moved == 0.0, f"what followed an exploratory action moved the value before it by {moved:.3g}")


PROMISES: dict[str, tuple[str, Look]] = {
    "description": ("It has a label and a version from 1 on.", _described),
    "numbers are leaves": ("A new value of a number compiles nothing.", _leaves),
    "finite values": ("Values stay finite on a small random problem.", _finite),
    "repeatable": ("The same seeds give the same numbers, with snapshots or without.", _again),
    "seeds apart": ("A seed's numbers do not depend on the seeds beside it.", _neighbours),
    "two loops": ("The device loop and the host loop give the same steps on the same noise.", _loops),
    "terminal rows": ("Values of a state where episodes end are never changed.", _end),
    "termination ends": ("Nothing is bootstrapped beyond a termination.", _terminated),
    "truncation goes on": ("A step that the clock cuts off still bootstraps.", _truncated),
    "ties": ("Actions of equal value are equally likely at first.", _ties),
    "relabelling": ("Other numbers for states and actions change nothing in distribution.", _labels),
    "reward scaling": ("Rewards times 4 give the same actions, and values times 4.", _scale),
    "unbiased maximum": ("Selection and evaluation do not share their noise.", _bias),
    "traces cut": ("What follows an exploratory action teaches nothing about what came before it.", _cut),
    "convergence": ("With decaying step sizes, values come to Q* or to those of the behaviour policy.", converges),
}
