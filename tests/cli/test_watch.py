"""`qlearn play FOLDER`: watching what was learnt, in letters and in pictures."""

import numpy as np
import pytest
from PIL import Image

import qlearn as ql
from qlearn.cli.players import DevicePlayer, HostPlayer, ModelPlayer, image_of, player


@pytest.fixture
def chain(tmp_path):
    runs = ql.train(ql.QLearning(learning_rate=0.2), "NChain-v0(slip=0)", episodes=30, seeds=[4, 6])
    runs.save(tmp_path / "kept" / "runs.npz")
    return runs


def test_each_step_has_the_values_of_the_actions_and_of_the_best_policy(chain, qlearn):
    told = qlearn("play", "kept", "--run", 6, "--steps", 4, "--json").json
    best = ql.solve("NChain-v0(slip=0)", discount=chain.agent.discount).q
    row = chain.seeds.tolist().index(6)
    state = 0
    for step in told["steps"]:
        assert step["seen"] == state
        np.testing.assert_allclose(step["values"], chain.q_table[row, state])
        np.testing.assert_allclose(step["optimal_values"], best[state])
        assert step["action"] == int(np.argmax(step["values"]))
        state = min(state + 1, 4) if step["action"] == 0 else 0
    assert told["return"] == sum(step["reward"] for step in told["steps"])
    assert (told["num_steps"], told["ended"]) == (4, "cut off")
    assert told["command"] == "qlearn play kept --run 6 --seed 0 --steps 4"


def test_masked_actions_are_neither_taken_nor_shown(qlearn, tmp_path):
    runs = ql.train(ql.QLearning(), "Taxi-v4(fickle_passenger=True)", episodes=2)
    runs.save(tmp_path / "kept" / "runs.npz")
    done = qlearn("play", "kept", "--steps", 1)
    assert done.code == 0
    assert done.out.split("Q: ")[1].splitlines()[0].count(",") < 5  # six actions, and somewhere a wall


def test_letters_name_actions_and_show_where_one_is(chain, qlearn):
    done = qlearn("play", "kept", "--steps", 2)
    assert "[0] - 1 - 2 - 3 - 4" in done.out
    assert "Q: forward" in done.out
    assert "(Q* " in done.out


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pictures_are_an_animation_or_a_strip(chain, qlearn, tmp_path):
    assert qlearn("play", "kept", "--steps", 5, "--out", "game.gif", "--speed", 20).code == 0
    with Image.open(tmp_path / "game.gif") as moving:
        assert (moving.n_frames, moving.info["duration"]) == (5, 50)
    assert qlearn("play", "kept", "--steps", 3, "--out", "game.png").code == 0
    with Image.open(tmp_path / "game.png") as strip:
        colours = {colour for _, colour in strip.convert("RGB").getcolors(100_000)}
    assert {(213, 94, 0), (0, 114, 178)} <= colours  # the chosen action and another


def test_what_cannot_be_shown_is_refused_before_anything_is_played(chain, qlearn, monkeypatch):
    assert "ends in .gif" in qlearn("play", "kept", "--out", "game.jpg").err
    assert "seed 9 was not trained" in qlearn("play", "kept", "--run", 9).err
    assert "--steps is 0" in qlearn("play", "kept", "--steps", 0).err
    assert "--run is for folders" in qlearn("play", "NChain-v0", "--run", 1).err
    done = qlearn("play", ".")
    assert (done.code, "keeps no training" in done.err) == (4, True)


def test_a_window_wants_a_screen(chain, qlearn, monkeypatch):
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert qlearn("play", "kept", "--steps", 2, "--window", "--speed", 100).code == 0
    monkeypatch.setattr(pygame.display, "set_mode", lambda size: (_ for _ in ()).throw(pygame.error("no screen")))
    done = qlearn("play", "kept", "--steps", 2, "--window")
    assert (done.code, "There is no screen for a window (no screen)" in done.err) == (2, True)


def test_of_a_stack_of_frames_the_newest_is_shown_wherever_the_stack_lies():
    stack = np.stack([np.full((6, 7), shade, np.uint8) for shade in (10, 20, 30, 40)])
    for seen in (stack, np.moveaxis(stack, 0, -1), {"screen": stack, "lives": np.int32(3)}):
        assert (image_of(seen) == 40).all()
        assert image_of(seen).shape == (6, 7, 3)
    assert image_of(np.zeros(4, np.float32)) is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("world", "kind"),
    [("CartPole-v1", HostPlayer), ("pgx:minatar-breakout", DevicePlayer), ("Gambler-v0", ModelPlayer)],
)
def test_every_kind_of_environment_is_drawn_by_what_draws_it_best(world, kind, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    game = player(ql.make(world), 3)
    assert isinstance(game, kind)
    now = game.start()
    after, reward, _, late = game.step(int(np.flatnonzero(now.legal)[0]))
    assert (type(reward), late) == (float, False)
    for one in (now, after):
        assert one.text or one.image is not None
        assert one.image is None or (one.image.ndim, one.image.shape[2], one.image.dtype) == (3, 3, np.uint8)
    game.close()
