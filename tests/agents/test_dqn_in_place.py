"""The replay is written in place: no step of the compiled program copies it."""

import re

import jax
import jax.numpy as jnp
import pytest

from qlearn.agents.backend import load_keras
from qlearn.agents.dqn import DQN, replay_bytes
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.agents.mlp import mlp
from qlearn.agents.priorities import Priorities
from qlearn.engine import noise

keras = load_keras()
PLACES = 40_960
IN_PLACE = {"parameter", "get-tuple-element", "dynamic-update-slice", "tuple", "while", "call", "bitcast"}
SPECS = {
    "float32": Spec(0, 2, None, None, (4,), "float32"),
    "uint8": Spec(0, 2, None, None, (6, 6), "uint8"),
    "states": Spec(50, 2),
}


def compiled(agent, spec, lane):
    """The program of a loop of updates over a lane of seeds (or one seed, without an axis of seeds)."""
    learner = agent.learner(spec)
    shape, dtype = ((), "int32") if spec.observation_shape is None else (spec.observation_shape, spec.observation_dtype)
    copies = agent.num_environments
    zeros = jnp.zeros(copies, jnp.uint32)

    def run(seed, state):
        def body(state, total):
            value = (total + seed).astype(jnp.float32)
            seen = jnp.broadcast_to(value, (learner.period, copies, *shape)).astype(dtype)
            flat = (learner.period, copies)
            number = jnp.zeros(flat, jnp.int32)
            flag = jnp.zeros(flat, bool)
            piece = Transition(seen, number, jnp.broadcast_to(value, flat), seen, flag, flag, ~flag)
            place = noise.at(seed, noise.UPDATE, jnp.uint32(0), total)
            return learner.update(state, piece, place, Clock(zeros, zeros, total)), None

        return jax.lax.scan(body, state, jnp.arange(100, dtype=jnp.uint32))[0]

    def begin(seed):
        return learner.init(noise.at(seed, noise.INITIAL, jnp.uint32(0), jnp.uint32(0)))

    seeds = jnp.arange(lane or 1, dtype=jnp.uint32)
    if lane:
        run, begin = jax.vmap(run), jax.vmap(begin)
    else:
        seeds = seeds[0]
    state = jax.eval_shape(begin, seeds)
    return jax.jit(run, donate_argnums=1).lower(seeds, state).compile()


def makers(text, places=PLACES):
    """The operations of the program whose result is a whole replay; a fusion counts as what its root is."""
    roots = {}
    for name, body in re.findall(r"^%?(\S+) \(.*?\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        root = re.search(r"ROOT \S+ = \S+ ([\w-]+)\(", body)
        roots[name.lstrip("%")] = root.group(1) if root else "?"
    found = set()
    for operation, rest in re.findall(rf"= \w+\[[\d,]*\b{places}\b[\d,]*\]\S* ([\w-]+)\((.*)", text):
        called = re.search(r"calls=%?([\w.-]+)", rest)
        found.add(roots.get(called.group(1), "?") if operation == "fusion" and called else operation)
    return found


NOWHERE = noise.at(jnp.uint32(0), noise.INITIAL, jnp.uint32(0), jnp.uint32(0))
SETTINGS = {
    "plain": {},
    "n-step, several updates, soft": {"n_step": 3, "updates": 2, "target_every": None, "target_rate": 0.1},
    "environments side by side": {"num_environments": 5},
    "by priority": {"priorities": Priorities()},
    "by priority, several updates": {"priorities": Priorities(), "n_step": 3, "updates": 2},
}


@pytest.mark.parametrize("lane", [0, 8])
@pytest.mark.parametrize(
    ("kind", "settings"), [*(("float32", settings) for settings in SETTINGS), ("uint8", "plain"), ("states", "plain")]
)
def test_no_step_copies_the_replay(kind, settings, lane):
    agent = DQN(mlp(8), keras.optimizers.Adam(), replay=PLACES, train_every=10, batch_size=16, **SETTINGS[settings])
    program = compiled(agent, SPECS[kind], lane)
    made = makers(program.as_text())
    assert "dynamic-update-slice" in made
    assert made <= IN_PLACE
    if agent.priorities is not None:
        sums = makers(program.as_text(), agent.learner(SPECS[kind]).init(NOWHERE).ranked.nodes.size)
        assert sums <= IN_PLACE | {"scatter"}
    memory = program.memory_analysis()
    assert memory.temp_size_in_bytes < replay_bytes(agent, SPECS[kind]) * (lane or 1) / 2


@pytest.mark.parametrize("kind", SPECS)
def test_the_replay_takes_what_it_says(kind):
    agent = DQN(mlp(8), keras.optimizers.Adam(), replay=PLACES)
    replay = agent.learner(SPECS[kind]).init(NOWHERE).replay
    assert replay_bytes(agent, SPECS[kind]) == sum(array.nbytes for array in jax.tree.leaves(replay))
