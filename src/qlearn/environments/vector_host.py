"""All copies of a host environment that training needs, seeds × environments, stepped through Gymnasium's vector API.

How a vector environment starts its next episodes is hidden here: what comes out are the true transitions, the final
observation of an episode included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qlearn.environments.faults import endless, raised
from qlearn.environments.host import HostEnvironment
from qlearn.environments.vector_copies import REST, InTurn, PlacedFault
from qlearn.environments.vector_own import OwnForm
from qlearn.environments.vector_processes import Processes
from qlearn.errors import EnvironmentFault, QlearnError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Stepped(NamedTuple):
    """What a step led to, one entry for each copy, those of one seed side by side."""

    observation: NDArray[Any]  # the true arrival, the final one of an episode included
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    valid: NDArray[np.bool_]  # False where no step was made: the copy was not live, or was only reset


class VectorHost:
    """``len(seeds) × num_environments`` copies of an environment.

    With vectorization "sync" and "async" every episode starts with ``episode_seed(seed, environment, episode)``, so
    what happens in it depends on nothing else but the actions.  An environment's own vector form gets
    ``episode_seed(seed, 0, 0)`` once for all copies of a seed, and goes on by itself.

    Args:
        environment: what to make, how to read it and how to step it.
        seeds: (n,) whole numbers.
        num_environments: copies for each seed.
        episode_seed: ``(seed, environment, episode) -> int``: what an episode is reset with.

    Attributes:
        observations: (n · num_environments, …) what to act on now.

    Raises:
        EnvironmentFault: where the environment fails while it is made or reset; where its processes cannot begin.
        InputError: where an environment cannot be sent to another process, or has no such vector form.
    """

    observations: NDArray[Any]

    def __init__(
        self,
        environment: HostEnvironment,
        seeds: NDArray[Any],
        num_environments: int,
        episode_seed: Callable[[int, int, int], int],
    ) -> None:
        self._environment, self._count, self._episode_seed = environment, num_environments, episode_seed
        self._seeds = [int(seed) for seed in seeds]
        size = len(self._seeds) * num_environments
        self._episode, self._step = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._copies: InTurn | Processes | None = None
        self._forms: list[OwnForm] = []
        self.begin_again(np.ones(size, np.bool_), np.zeros(size, np.int64))

    def step(self, actions: NDArray[Any], live: NDArray[np.bool_]) -> Stepped:
        """Take one step of every copy that is live.

        Args:
            actions: (n · num_environments,) whole numbers from 0.
            live: which copies shall be stepped.  In a vector form of its own a copy that is not live rests only where
                all copies of its seed do; else it takes action 0, and what comes of that is dropped.

        Raises:
            EnvironmentFault: naming environment, seed, episode and step, with a cure.
        """
        try:
            return self._own_step(actions, live) if self._forms else self._copies_step(actions, live)
        except BaseException:
            self.close()
            raise

    def begin_again(self, marked: NDArray[np.bool_], numbers: NDArray[Any]) -> None:
        """Begin the episodes with these numbers, which are counted on from there; after a fault too.

        Args:
            marked: which copies; in a vector form of its own, all copies of a seed or none.
            numbers: (n · num_environments,) of the episodes; a vector form is reset with that of its first copy.

        Raises:
            EnvironmentFault: naming environment, seed, episode and step, with a cure.
        """
        try:
            if self._copies is None and not self._forms:
                marked = np.ones(marked.size, np.bool_)  # a fault closes all of them
                self._open()
            self._episode[marked], self._step[marked] = numbers[marked], 0
            self._begin_forms(marked) if self._forms else self._begin_copies(marked)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if self._environment.vectorization == "own":
            self._forms = [self._guarded(i, self._own_form) for i in range(len(self._seeds))]
        else:
            size = self._episode.size
            together = self._environment.vectorization == "async"
            self._copies = (
                Processes(self._environment, size) if together else InTurn(self._environment, size, self._fault)
            )

    def _begin_copies(self, marked: NDArray[np.bool_]) -> None:
        self.observations = self._reset(marked)

    def _begin_forms(self, marked: NDArray[np.bool_]) -> None:
        whole = [bool(mine.all()) for mine in np.split(marked, len(self._seeds))]
        begun = [
            self._guarded(i, self._begun) if whole[i] else self.observations[i * self._count : (i + 1) * self._count]
            for i in range(len(whole))
        ]
        self.observations = np.concatenate(begun)

    @property
    def group(self) -> int | None:
        """How many copies, side by side, are one vector form; None where each copy is on its own."""
        return self._count if self._environment.vectorization == "own" else None

    def close(self) -> None:
        """Close all copies; no process is left over.  May be called twice."""
        copies, forms = self._copies, self._forms
        self._copies, self._forms = None, []
        if copies is not None:
            copies.close()
        for form in forms:
            form.close()

    def _copies_step(self, actions: NDArray[Any], live: NDArray[np.bool_]) -> Stepped:
        assert self._copies is not None
        try:
            # Counting is several times faster than `all` and `any`, and this runs at every step.
            given = actions if np.count_nonzero(live) == live.size else np.where(live, actions, REST)
            arrived, reward, terminated, truncated = self._copies.step(given)
        except PlacedFault as found:
            raise self._fault(found) from found.__cause__
        ended = terminated | truncated
        self._count_on(live, ended)
        self.observations = self._reset(ended) if np.count_nonzero(ended) else arrived
        return Stepped(arrived, reward, terminated, truncated, live.copy())

    def _reset(self, mask: NDArray[np.bool_]) -> NDArray[Any]:
        assert self._copies is not None
        seeds: list[int | None] = [None] * mask.size
        for i in np.flatnonzero(mask):
            seed, environment = divmod(int(i), self._count)
            seeds[i] = self._episode_seed(self._seeds[seed], environment, int(self._episode[i]))
        try:
            return self._copies.reset(mask, seeds)
        except PlacedFault as found:
            raise self._fault(found) from found.__cause__

    def _own_step(self, actions: NDArray[Any], live: NDArray[np.bool_]) -> Stepped:
        seen, arrived = self.observations.copy(), self.observations.copy()
        reward = np.zeros(live.size)
        terminated, truncated, valid = (np.zeros(live.size, np.bool_) for _ in range(3))
        for i, form in enumerate(self._forms):
            mine = slice(i * self._count, (i + 1) * self._count)
            if not live[mine].any():
                continue
            chosen = np.where(live[mine], actions[mine], 0)
            moved = self._guarded(i, functools.partial(_step_form, form, chosen))
            arrived[mine], reward[mine], terminated[mine], truncated[mine], valid[mine], seen[mine] = moved
        # A copy that was not live has moved all the same where its siblings have: nobody may see how it came there.
        stepped = valid.copy()
        self._count_on(stepped, terminated | truncated)
        self.observations = seen
        valid &= live
        return Stepped(arrived, np.where(valid, reward, 0.0), terminated & valid, truncated & valid, valid)

    def _count_on(self, stepped: NDArray[np.bool_], ended: NDArray[np.bool_]) -> None:
        self._step += stepped
        if np.count_nonzero(ended):
            self._episode[ended] += 1
            self._step[ended] = 0

    def _own_form(self, _: int) -> OwnForm:
        return OwnForm(self._environment, self._count)

    def _begun(self, i: int) -> NDArray[Any]:
        number = int(self._episode[i * self._count])
        return self._forms[i].reset(self._episode_seed(self._seeds[i], 0, number))

    def _guarded(self, i: int, call: Callable[[int], Any]) -> Any:
        """Call the vector form of a seed; what it raises names the environment, the seed and the step."""
        try:
            return call(i)
        except EnvironmentFault as error:
            raise EnvironmentFault(f"{self._where_all(i)}: {error}", self._seeds[i]) from error
        except QlearnError:
            raise
        except Exception as error:
            raise EnvironmentFault(f"{self._where_all(i)}{raised(error)}", self._seeds[i]) from error

    def endless(self, i: int) -> EnvironmentFault:
        """Close all copies, as the episode of this one does not end; return what there is to say."""
        found = self._fault(PlacedFault(i, endless()))
        self.close()
        return found

    def _fault(self, found: PlacedFault) -> EnvironmentFault:
        i = found.index
        place = self._seeds[i // self._count], int(self._episode[i]), int(self._step[i])
        return EnvironmentFault(f"{self._where(i)}{found.fault}", *place)

    def _where(self, i: int) -> str:
        seed, environment = divmod(i, self._count)
        which = f"seed {self._seeds[seed]}" + (f", environment {environment}" if self._count > 1 else "")
        return f"{self._environment.name} ({which}, episode {self._episode[i]}, step {self._step[i]})"

    def _where_all(self, i: int) -> str:
        """The place of a whole vector environment: that of its only copy, else the steps of each."""
        if self._count == 1:
            return self._where(i)
        mine = slice(i * self._count, (i + 1) * self._count)
        episodes, steps = (", ".join(map(str, column[mine])) for column in (self._episode, self._step))
        return (
            f"{self._environment.name} (seed {self._seeds[i]}, environments 0 to {self._count - 1} in episodes "
            f"{episodes} at steps {steps})"
        )


def _step_form(form: OwnForm, actions: NDArray[Any], _: int) -> Any:
    return form.step(actions)
