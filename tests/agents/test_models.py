"""Agents that learn a model and plan in it, done a second time in plain NumPy from the actions that they took."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine import noise
from qlearn.environments import problems

GRID = ["..G", ".#.", "S.."]
STEPS = 150


@pytest.fixture(scope="module")
def maze():
    """A small maze that changes at step 60, with a clock."""
    b, c = (walled(rows) for rows in (GRID, ["#.G", "...", "S#."]))
    return dataclasses.replace(b, changes=((60, c),))


def walled(rows):
    """A deterministic grid as a model: four moves, the goal pays 1 and ends the episode, a step costs 0.1."""
    P = []
    for r in range(3):
        for c in range(3):
            P.append([])
            for down, right in ((-1, 0), (0, 1), (1, 0), (0, -1)):
                y, x = r + down, c + right
                free = 0 <= y < 3 and 0 <= x < 3 and rows[y][x] != "#"
                y, x = (y, x) if free else (r, c)
                goal = rows[y][x] == "G"
                P[-1].append([(1.0, 3 * y + x, 1.0 if goal else -0.1, goal)])
    return ql.FiniteMDP.from_gymnasium(P, initial=6, time_limit=25)


def steps_of(runs, maze, seed):
    """(state, action, reward, next state, terminated, episode, step in episode) of every step of a run."""
    taken = np.diff(runs.snapshots.visits[seed].reshape(STEPS + 1, -1), axis=0).argmax(axis=1)
    episode, step, told = 0, 0, []
    for t, cell in enumerate(taken):
        model = maze if t < 60 else maze.changes[0][1]
        place = model.offsets[cell]
        end = bool(model.terminated[place])
        told.append((*divmod(int(cell), 4), model.reward[place], int(model.next_state[place]), end, episode, step))
        episode, step = (episode + 1, 0) if end or step == 24 else (episode, step + 1)
    return told


def ran(agent, maze, seeds=2):
    return ql.train(agent, maze, steps=STEPS, seeds=seeds, snapshots=STEPS)


def planned(agent, maze, runs, seed, bonus=None):
    """The table of Dyna-Q, or of Dyna-Q+ where there is a bonus, by loops and dictionaries."""
    n, q, model, tried = agent.planning_steps, np.zeros((9, 4)), {}, {}
    pairs = getattr(agent, "draw", "states") == "pairs"
    history = steps_of(runs, maze, seed)
    places = jnp.asarray([(e, t) for *_, e, t in history], jnp.uint32)
    draw = jax.vmap(lambda p: [noise.at(jnp.uint32(seed), noise.UPDATE, *p).uniforms_of(i + 1) for i in range(n)])
    uniforms = np.asarray(draw(places))  # (n, 2, T)

    def learn(s, a, r, s2, end):
        q[s, a] += 0.25 * (r + (0.0 if end else 0.9 * q[s2].max()) - q[s, a])

    for now, (s, a, r, s2, end, _, _) in enumerate(history, 1):
        learn(s, a, r, s2, end)
        model.setdefault(s, {})[a] = (r, s2, end)
        tried[s, a] = now
        for first, second in uniforms[:, :, now - 1]:
            state = list(model)[int(first * len(model))]
            actions = sorted(model[state]) if bonus is None else range(4)
            action = actions[int(second * len(actions))]
            if pairs:
                state, action = list(tried)[int(first * len(tried))]
            r, s2, end = model[state].get(action, (0.0, state, False))
            extra = 0.0 if bonus is None else bonus * np.sqrt(now - tried.get((state, action), 0))
            learn(state, action, r + extra, s2, end)
    return q


@pytest.mark.parametrize(
    ("kind", "more"),
    [(ql.DynaQ, {}), (ql.DynaQ, {"draw": "pairs"}), (ql.DynaQPlus, {"bonus": 0.01})],
    ids=["Dyna-Q", "Dyna-Q by pairs", "Dyna-Q+"],
)
def test_dyna_plans_as_the_book_says_draw_for_draw(kind, more, maze):
    explore = ql.EpsilonGreedy(0.3)
    agent = kind(planning_steps=4, learning_rate=0.25, discount=0.9, exploration=explore, **more)
    runs = ran(agent, maze)
    for seed in range(2):
        expected = planned(agent, maze, runs, seed, more.get("bonus"))
        np.testing.assert_allclose(runs.q_table[seed], expected, atol=1e-5)


def test_without_planning_dyna_q_plus_is_q_learning(maze):
    one, other = (ql.train(a, maze, steps=STEPS, seeds=2) for a in (ql.DynaQPlus(planning_steps=0), ql.QLearning()))
    np.testing.assert_array_equal(one.q_table, other.q_table)
    np.testing.assert_array_equal(one.visits, other.visits)


def test_prioritised_sweeping_updates_what_the_book_says(maze):
    agent = ql.PrioritisedSweeping(
        planning_steps=3, threshold=0.02, learning_rate=0.5, discount=0.9, exploration=ql.EpsilonGreedy(0.3)
    )
    runs = ran(agent, maze)
    for seed in range(2):
        q, model, queue, updates = np.zeros((9, 4)), {}, {}, 0

        def error(s, a, q=q, model=model):
            r, s2, end = model[s, a]
            return r + (0.0 if end else 0.9 * q[s2].max()) - q[s, a]

        for s, a, r, s2, end, _, _ in steps_of(runs, maze, seed):
            model[s, a] = (r, s2, end)
            if abs(error(s, a)) > 0.02:
                queue[s, a] = max(queue.get((s, a), 0), abs(error(s, a)))
            for _ in range(3):
                if not queue:
                    break
                first = min(queue, key=lambda pair: (-round(queue[pair], 6), pair))
                del queue[first]
                q[first] += 0.5 * error(*first)
                updates += 1
                for pair, (_, there, over) in model.items():
                    if there == first[0] and not over and abs(error(*pair)) > 0.02:
                        queue[pair] = max(queue.get(pair, 0), abs(error(*pair)))
        np.testing.assert_allclose(runs.q_table[seed], q, atol=1e-4)
        assert runs.extras["updates"][seed] == updates
    assert runs.snapshots.extras["updates"].shape == (2, STEPS)


def test_extras_are_saved_and_come_back(maze, tmp_path):
    runs = ql.train(ql.PrioritisedSweeping(), "DynaMaze-v0", episodes=2, seeds=2, snapshots=2)
    runs.save(tmp_path / "runs")
    again = ql.Runs.load(tmp_path / "runs")
    np.testing.assert_array_equal(again.extras["updates"], runs.extras["updates"])
    np.testing.assert_array_equal(again.snapshots.extras["updates"], runs.snapshots.extras["updates"])


def test_both_find_the_shortest_way_through_the_maze():
    maze = problems.dyna_maze()
    for agent in (ql.DynaQPlus(planning_steps=20), ql.PrioritisedSweeping()):
        runs = ql.train(agent, maze, episodes=50, seeds=4)
        policies = runs.greedy_policies()
        assert (ql.planning.evaluate_policies(maze, policies, 14) > 0.999).mean() >= 0.75, agent.label


def test_the_first_episode_in_the_maze_is_a_walk_at_random():
    """868.7 steps, exactly: the expected time of the uniform policy, since nothing is learnt before the goal."""
    maze = problems.dyna_maze()
    uniform = ql.planning.uniform_policy(maze)
    P = maze.transition_matrix().toarray().reshape(maze.num_states, 4, -1)
    time = np.linalg.solve(np.eye(maze.num_states) - np.einsum("sa,sat->st", uniform, P), np.ones(maze.num_states))
    expected = float(maze.initial @ time)
    assert expected == pytest.approx(868.725, abs=1e-3)
    first = ql.train(ql.DynaQ(planning_steps=1), maze, episodes=1, seeds=560).lengths[:, 0]
    assert abs(first.mean() - expected) < 4 * first.std() / np.sqrt(560)
