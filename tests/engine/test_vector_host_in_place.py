"""The host loop writes replays in place too: no call of it copies one, however many lanes there are."""

import jax
import numpy as np
import pytest

from qlearn.agents.backend import load_keras
from qlearn.agents.dqn import DQN, replay_bytes
from qlearn.agents.frames import ring_of
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.priorities import Priorities
from qlearn.engine.vector_host_programs import HostPrograms
from tests.agents.test_dqn_in_place import IN_PLACE, PLACES, makers

keras = load_keras()
SPECS = {
    "float32": Spec(0, 2, None, None, (4,), "float32"),
    "uint8": Spec(0, 2, None, None, (6, 6), "uint8"),
    "frames": Spec(0, 2, None, None, (4, 8, 8), "uint8"),
    "states": Spec(50, 2),
}
SETTINGS = {"plain": {}, "by priority": {"priorities": Priorities(), "n_step": 3}}


def given(spec, agent, width):
    """What a lane learns from at once: the columns of a transition, and a clock."""
    alone = () if width == 1 else (width,)
    flat = (*alone, agent.train_every // agent.num_environments, agent.num_environments)
    shape, dtype = ((), "int32") if spec.observation_shape is None else (spec.observation_shape, spec.observation_dtype)
    seen, flag = np.zeros((*flat, *shape), dtype), np.zeros(flat, bool)
    columns = (seen, np.zeros(flat, np.int32), np.zeros(flat, np.float32), seen, flag, flag)
    return columns, np.zeros((*alone, 2 * agent.num_environments + 1), np.uint32)


@pytest.mark.parametrize(("width", "size"), [(1, 1), (8, 8), (8, 16)])
@pytest.mark.parametrize(("kind", "settings"), [*((kind, "plain") for kind in SPECS), ("float32", "by priority")])
def test_no_update_copies_the_replay(kind, settings, width, size):
    stack = 4 if kind == "frames" else 1
    agent = DQN(
        mlp(8),
        keras.optimizers.Adam(),
        replay=PLACES,
        train_every=10,
        num_environments=5,
        batch_size=16,
        frames=stack,
        **SETTINGS[settings],
    )
    spec = SPECS[kind]
    programs = HostPrograms(agent, spec, width, np.arange(size, dtype=np.uint32))
    places = ring_of(agent, spec)._room if stack > 1 else PLACES
    for numbers in programs._given:
        lane = jax.eval_shape(programs._compiled.begin, *numbers)
        program = programs._compiled.learn.lower(*numbers, lane, *given(spec, agent, width)).compile()
        made = makers(program.as_text(), places)
        assert "dynamic-update-slice" in made
        assert made <= IN_PLACE
        assert program.memory_analysis().temp_size_in_bytes < replay_bytes(agent, spec) * width / 2


def test_a_state_of_several_lanes_is_frozen_whole_and_thawed_to_the_same():
    agent, spec = DQN(mlp(8), keras.optimizers.Adam(), replay=40, learning_starts=20, batch_size=8), SPECS["float32"]
    for width, size in ((1, 1), (1, 3), (2, 2), (2, 6)):
        programs = HostPrograms(agent, spec, width, np.arange(size, dtype=np.uint32))
        state = programs.begin()
        kept = programs.frozen("state", state)
        assert all(len(values) == size for values in kept.values())
        back = programs.thawed("state", state, kept)
        for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        fewer = {key: values[:-1] for key, values in kept.items()}
        with pytest.raises(ValueError, match=r"another number of seeds|is expected"):
            programs.thawed("state", state, fewer)
