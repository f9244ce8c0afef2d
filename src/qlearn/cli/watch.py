"""`qlearn play FOLDER`: watching what was learnt play."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.agents.observed import alone
from qlearn.cli.own import Own
from qlearn.cli.players import OFF_SCREEN, Now, Player, player
from qlearn.cli.scene import animation, scene, strip
from qlearn.cli.terminal import figure, note, print_json, say, say_command, shell
from qlearn.environments import FiniteMDP
from qlearn.errors import InputError, StoreError
from qlearn.files import atomic_write

if TYPE_CHECKING:
    from qlearn.training import Runs

LONGEST = 1000  # steps, where no time limit is known
ENDINGS = (".gif", ".png")
_FRAMES, _PANELS = 600, 8  # of an animation, of a strip


@dataclasses.dataclass(frozen=True)
class Watched:
    """One step: where it was taken, what was thought and done, and what came of it."""

    now: Now
    values: Any  # (A,) float
    best: Any  # (A,) float: Q* there; None where it is not known
    action: int
    reward: float
    total: float
    ended: str  # "", "ended" or "cut off"


def check_out(out: Path | None) -> None:
    """Raise an `InputError` where no picture of such a name can be written, before anything is played."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise InputError(f"--out {out}: expected a name that ends in .gif (animated) or .png (a strip of pictures).")


def episode(runs: Runs, chosen: int, game: Player, most: int) -> list[Watched]:
    """Play one episode greedily; the first of equal values is taken."""
    values, best = runs.q_function(chosen), _optimal(runs)
    steps: list[Watched] = []
    now, total = game.start(), 0.0
    for number in range(most):
        seen = _batch(alone(now.seen) if runs.knowledge is None else now.seen)
        row = np.asarray(values(seen)[0], np.float64)
        action = int(np.argmax(np.where(now.legal, row, -np.inf)))
        after, reward, over, late = game.step(action)
        total += reward
        ended = "ended" if over else "cut off" if late or number == most - 1 else ""
        there = None if best is None else best[int(now.seen)]
        steps.append(Watched(now, row, there, action, reward, total, ended))
        if ended:
            break
        now = after
    return steps


def _batch(seen: Any) -> Any:
    return {name: np.asarray(x)[None] for name, x in seen.items()} if isinstance(seen, dict) else np.asarray(seen)[None]


def _optimal(runs: Runs) -> Any:
    """Q* at the agent's discount where the model is known and small enough, (S, A)."""
    from qlearn.cli.play import MOST_STATES
    from qlearn.planning import solve

    world = runs.environment
    if not isinstance(world, FiniteMDP) or world.changes or world.num_states > MOST_STATES:
        return None
    return None if runs.agent.discount is None else np.asarray(solve(world, float(runs.agent.discount)).q)


def pictures(steps: list[Watched], names: tuple[str, ...]) -> list[Any]:
    """One for each step, evenly chosen where there are more than an animation holds."""
    chosen = sorted(set(np.linspace(0, len(steps) - 1, min(len(steps), _FRAMES)).round().astype(int).tolist()))
    return [_picture(k, steps[k], names) for k in chosen]


def _picture(number: int, step: Watched, names: tuple[str, ...]) -> Any:
    rows = [
        (name, float(step.values[a]), None if step.best is None else float(step.best[a]), a == step.action)
        for a, name in enumerate(names)
        if step.now.legal[a]
    ]
    head = f"step {number + 1}   reward {step.reward:g}   return {step.total:,.6g}"
    return scene(step.now.image, step.now.text, head, rows)


def tell(steps: list[Watched], names: tuple[str, ...]) -> None:
    """Print an episode, step by step."""
    for number, step in enumerate(steps):
        if step.now.text:
            say(step.now.text)
        thought = ", ".join(
            f"{name} {figure(float(step.values[a]))}"
            + ("" if step.best is None else f" (Q* {figure(float(step.best[a]))})")
            for a, name in enumerate(names)
            if step.now.legal[a]
        )
        say(f"step {number + 1}: {names[step.action]}, reward {step.reward:g} (so far {step.total:g}).  Q: {thought}")
    say(f"The episode {'has ended' if steps[-1].ended == 'ended' else 'was cut off'} after {len(steps):,} steps.")


def show(images: list[Any], speed: float, *, wished: bool = False) -> None:
    """Show pictures in a window until they end or it is closed.

    Args:
        images: one for each step.
        speed: steps a second.
        wished: whether the user chose how SDL draws, so that what it draws nowhere is meant.

    Raises:
        InputError: where pygame is not installed, or there is no screen.
    """
    try:
        import pygame
    except ImportError as error:
        raise InputError(
            'A window is drawn by pygame, which is not installed. Install it: pip install "qlearn[pictures]", or write '
            "--out game.gif."
        ) from error
    try:
        if os.environ.get("SDL_VIDEODRIVER") == OFF_SCREEN and not wished:
            del os.environ["SDL_VIDEODRIVER"]
        pygame.display.quit()
        pygame.display.init()
        if pygame.display.get_driver() in (OFF_SCREEN, "offscreen") and not wished:
            raise pygame.error("none was found")
        screen = pygame.display.set_mode((max(one.width for one in images), images[0].height))
    except pygame.error as error:
        raise InputError(f"There is no screen for a window ({error}). Write --out game.gif instead.") from error
    try:
        pygame.display.set_caption("qlearn play")
        for one in images:
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                return
            screen.fill((255, 255, 255))
            screen.blit(pygame.image.frombytes(one.tobytes(), one.size, "RGB"), (0, 0))
            pygame.display.flip()
            time.sleep(1.0 / speed)
    finally:
        pygame.display.quit()


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What shall be shown, as it was typed."""

    folder: Path
    seed: int | None
    run: int | None
    out: Path | None
    window: bool
    steps: int | None
    speed: float
    json: bool
    own: Own


def watch(wanted: Wanted) -> int:
    """Play one episode with what a folder keeps, and show it."""
    from qlearn.training.kept import kept_runs
    from qlearn.training.prediction import refuse_prediction

    check_out(wanted.out)
    wished = "SDL_VIDEODRIVER" in os.environ
    runs = kept_runs(wanted.folder)
    refuse_prediction(runs.agent)
    sound = runs.seeds[np.logical_not(runs.diverged)]
    chosen = int((sound if sound.size else runs.seeds)[0]) if wanted.run is None else wanted.run
    runs.q_function(chosen)  # says which were trained, before anything is made
    seed = 0 if wanted.seed is None else wanted.seed
    game = player(runs.environment, seed)
    try:
        steps = episode(runs, chosen, game, wanted.steps or runs.environment.time_limit or LONGEST)
    finally:
        game.close()
    if runs.diverged[runs.seeds == chosen].any():
        note(f"The run of seed {chosen} diverged; what plays are the weights that it had then.")
    images = pictures(steps, game.names) if wanted.out or wanted.window else []
    if wanted.out is not None:
        _write(wanted, images)
    if wanted.window:
        show(images, wanted.speed, wished=wished)
    words = ["--run", chosen, "--seed", seed, *(["--steps", wanted.steps] if wanted.steps else [])]
    words += [*(["--out", wanted.out] if wanted.out else []), *wanted.own.words()]
    _report(wanted, runs, (chosen, seed, steps, game.names), shell("qlearn", "play", wanted.folder, *words))
    return 0


def _write(wanted: Wanted, images: list[Any]) -> None:
    assert wanted.out is not None
    moving = wanted.out.suffix.lower() == ".gif"
    data = animation(images, round(1000 / wanted.speed)) if moving else strip(images, _PANELS)
    try:
        with atomic_write(wanted.out) as file:
            file.write(data)
    except StoreError as error:
        raise StoreError(f"--out {wanted.out}: {error}") from error


def _report(wanted: Wanted, runs: Runs, played: tuple[int, int, list[Watched], tuple[str, ...]], command: str) -> None:
    chosen, seed, steps, names = played
    if wanted.json:
        told = [
            {"action": s.action, "reward": s.reward, "values": s.values, "optimal_values": s.best, "seen": _plain(s)}
            for s in steps
        ]
        facts = {"agent": runs.label, "environment": runs.environment.name, "run": chosen, "seed": seed, "names": names}
        ends = {"return": steps[-1].total, "num_steps": len(steps), "ended": steps[-1].ended, "out": wanted.out}
        print_json({**facts, **ends, "steps": told, "command": command})
        return
    say(f"{runs.label} on {runs.environment.name}, the run of seed {chosen}, greedy.")
    if wanted.out is None and not wanted.window:
        tell(steps, names)
    say(f"Return {figure(steps[-1].total)} in {len(steps):,} steps.")
    if wanted.out is not None:
        say(f"Saved: {wanted.out}.")
    say_command("The same game again:", command)


def _plain(step: Watched) -> Any:
    seen = step.now.seen
    array = None if isinstance(seen, dict) else np.asarray(seen)
    return array if array is not None and array.size <= 12 else None
