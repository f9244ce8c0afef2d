"""The classic problems: closed forms, published numbers, other people's models, and independent loops."""

import math
import subprocess
import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from qlearn.environments import FiniteMDP, make, problems
from qlearn.environments.problems import PROBLEMS
from qlearn.errors import InputError
from qlearn.planning import average_reward, finite_horizon, long_run, policy_value, solve, uniform_policy

MODELS = [identity for identity, entry in PROBLEMS.items() if not entry.device]


def outcomes(mdp, state, action):
    row = state * mdp.num_actions + action
    where = slice(mdp.offsets[row], mdp.offsets[row + 1])
    return list(
        zip(mdp.probability[where], mdp.next_state[where], mdp.reward[where], mdp.terminated[where], strict=True)
    )


def numbered(mdp, cell):
    return mdp.state_names.index(str(cell))


@pytest.mark.parametrize("identity", MODELS)
def test_a_problem_has_names_and_a_name_that_makes_it_again(identity):
    mdp = make(identity)
    assert mdp.name == identity
    assert mdp.state_names is not None or mdp.num_states == 1
    assert mdp.action_names is not None
    assert getattr(problems, PROBLEMS[identity].function)().digest == mdp.digest
    limited = make(f"{identity}(max_episode_steps=7)")
    assert limited.time_limit == 7
    assert make(limited.name).digest == limited.digest


@pytest.mark.parametrize("identity", MODELS)
def test_steps_of_the_environment_are_outcomes_of_the_model_and_its_clock_is_the_models(identity):
    mdp = make(identity, max_episode_steps=9)
    env, rng = mdp.make_env(), np.random.default_rng(1)
    state, info = env.reset(seed=3)
    assert mdp.initial[state] > 0
    elapsed = 0
    for _ in range(60):
        assert (info["action_mask"] == mdp.legal[state]).all()
        action = int(rng.choice(np.flatnonzero(mdp.legal[state])))
        seen, reward, terminated, truncated, info = env.step(action)
        elapsed += 1
        noisy = mdp.reward_std is not None
        assert any(
            s == seen and (noisy or r == reward) and t == terminated for _, s, r, t in outcomes(mdp, state, action)
        )
        assert truncated == (elapsed == 9)
        state = seen
        if terminated or truncated:
            state, info = env.reset()
            elapsed = 0
    env.close()


def test_arguments_in_an_id_and_near_misses():
    assert make("RandomWalk-v0(n=19)").digest == problems.random_walk(19).digest
    assert problems.random_walk(n=19, left=0.0).name == "RandomWalk-v0(n=19)"
    assert make("qlearn:WindyGrid-v0(moves='kings')").name == "WindyGrid-v0(moves='kings')"
    with pytest.raises(InputError, match="did you mean 'RiverSwim-v0'"):
        make("RiverSwimm-v0")
    with pytest.raises(InputError, match="no argument 'states'"):
        make("RandomWalk-v0(states=4)")


def test_problems_load_neither_jax_nor_keras():
    program = (
        "import sys, qlearn as ql; ql.problems.dyna_maze(); ql.problems.bandit; "
        "print(*{'jax', 'keras', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_problems_limit_holds_in_the_models_it_changes_to():
    maze = make("BlockingMaze-v0(at_step=50, max_episode_steps=30)")
    assert [at for at, _ in maze.changes] == [50]
    assert maze.changes[0][1].time_limit == 30


# Closed forms and published numbers


@pytest.mark.parametrize(("n", "left", "right"), [(5, 0.0, 1.0), (19, -1.0, 1.0), (1, 2.0, 4.0)])
def test_a_random_walks_values_lie_on_a_line_between_its_ends(n, left, right):
    v = solve(problems.random_walk(n, left, right), discount=1).v
    expected = left + (right - left) * np.arange(1, n + 1) / (n + 1)
    np.testing.assert_allclose(v[1:-1], expected, atol=1e-9)
    assert v[0] == v[-1] == 0


def test_a_walk_with_jumps_solves_its_equations():
    n, jump = 1000, 100
    v = solve(problems.random_walk(n, -1, 1, jump), discount=1).v
    padded = np.concatenate([np.full(jump, -1.0), v[1:-1], np.full(jump, 1.0)])
    mean = np.array([np.delete(padded[i : i + 2 * jump + 1], jump).mean() for i in range(n)])
    np.testing.assert_allclose(v[1:-1], mean, atol=1e-9)
    assert make("RandomWalk-v0(n=1000, jump=100)").state_names[500] == "500"


@pytest.mark.parametrize(
    ("identity", "discount", "expected"),
    [
        ("DynaMaze-v0", 0.95, 0.95**13),
        ("MaximisationBias-v0", 1, 0.0),
        ("MaximisationBias-v0(mean=0.3)", 0.9, 0.27),
        ("VanHasseltGrid-v0", 0.95, 5 * 0.95**4 - (1 - 0.95**4) / 0.05),
        ("VanHasseltGrid-v0(size=5)", 1, 5.0 - 8),
        ("DeepSea-v0", 1, 0.99),
        ("DeepSea-v0(n=7, seed=5)", 0.9, 0.9**6 - 0.01 / 7 * (1 - 0.9**7) / 0.1),
        ("DoubleChain-v0", 0.95, 10 * 0.95**4 / 0.05),
        ("BairdStar-v0", 0.99, 0.0),
        ("WindyGrid-v0", 1, -15),
        ("WindyGrid-v0(moves='kings')", 1, -7),
        ("WindyGrid-v0(moves='kings and stay')", 1, -7),
        ("WindyGrid-v0(stochastic=True)", 1, -20.628258),
        ("WindyGrid-v0(moves='kings', stochastic=True)", 1, -11.819808),
        ("RaceTrack-v0", 1, -11.694577),
        ("RaceTrack-v0(track='right')", 1, -8.895873),
        ("Blackjack-v1", 1, -0.043113),
        ("Blackjack-v1(sab=False)", 1, -0.046556),
        ("Blackjack-v1(sab=False, natural=True)", 1, -0.025729),
    ],
)
def test_the_optimum_is_what_the_docstring_says(identity, discount, expected):
    assert solve(make(identity), discount).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("maze", "before", "after"), [("Blocking", 10, 16), ("Shortcut", 16, 10)])
def test_the_shortest_way_through_a_changing_maze_is_the_books(maze, before, after):
    mdp = make(f"{maze}Maze-v0")
    models = (replace(mdp, changes=()), mdp.changes[0][1])
    assert [make(f"{maze}Maze-v0(at_step={at})").digest for at in (None, 0)] == [model.digest for model in models]
    assert models[1].name == f"{maze}Maze-v0(at_step=0)"
    found = [solve(model, 0.95).value for model in models]
    assert found == pytest.approx([0.95 ** (before - 1), 0.95 ** (after - 1)], abs=1e-9)


def test_the_books_grids_have_the_books_values():
    grid = problems.grid_3_5()
    assert solve(grid, 0.9).v[:5].round(1).tolist() == [22.0, 24.4, 22.0, 19.4, 17.5]
    assert policy_value(grid, uniform_policy(grid), 0.9)[:5].round(1).tolist() == [3.3, 8.8, 4.4, 5.3, 1.5]
    grid = problems.grid_4_1()
    distance = [[min(r + c, 6 - r - c) for c in range(4)] for r in range(4)]
    assert solve(grid, 1).v.reshape(4, 4).tolist() == (-np.array(distance)).tolist()
    assert policy_value(grid, uniform_policy(grid), 1).round(6)[:4].tolist() == [0, -14, -20, -22]


def test_the_gamblers_chances_are_those_of_bold_timid_and_fair_play():
    v = solve(problems.gambler(0.4), 1).v
    for s in range(1, 100):  # bold play: w(x) = p w(2x), p + (1 − p) w(2x − 1)
        expected = 0.4 * v[2 * s] if s < 50 else 0.4 + 0.6 * (v[2 * s - 100] if s > 50 else 0.0)
        assert v[s] == pytest.approx(expected, abs=1e-9)
    s = np.arange(1, 100)
    np.testing.assert_allclose(solve(problems.gambler(0.5), 1).v[1:100], s / 100, atol=1e-9)
    r = 0.45 / 0.55
    np.testing.assert_allclose(solve(problems.gambler(0.55), 1).v[1:100], (1 - r**s) / (1 - r**100), atol=1e-9)


def test_swimming_right_is_worth_the_share_of_time_at_the_rivers_end():
    river = problems.river_swim()
    share = np.cumprod([1, 0.6 / 0.05, *[0.35 / 0.05] * 3, 0.35 / 0.4])
    assert average_reward(river) == pytest.approx(share[-1] / share.sum(), abs=1e-9)
    assert average_reward(river) == pytest.approx(0.428622, abs=1e-6)
    assert finite_horizon(river, 20).value == pytest.approx(3.397264, abs=1e-6)


def test_letting_customers_in_is_worth_what_value_iteration_finds():
    chance, v = 0.06, np.zeros((11, 4))
    freed = [
        [math.comb(10 - f, k) * chance**k * (1 - chance) ** (10 - f - k) for k in range(11 - f)] for f in range(11)
    ]
    for _ in range(3000):  # relative value iteration
        later = np.array([sum(p * v[f + k].mean() for k, p in enumerate(freed[f])) for f in range(11)])
        accepted = np.vstack([np.full(4, -np.inf), np.array([1, 2, 4, 8.0])[None] + later[:-1, None]])
        new = np.maximum(later[:, None], accepted)
        gain, v = new[0, 0] - v[0, 0], new - new[0, 0]
    queue = problems.access_control()
    found = long_run(queue)
    assert found.gain == pytest.approx(gain, abs=1e-6)
    assert found.gain == pytest.approx(2.747642, abs=1e-6)
    assert (found.policy.reshape(11, 4) == (accepted > later[:, None])).all()


def test_a_days_business_of_jack_is_that_of_a_double_sum():
    jack = problems.car_rental()
    pmf = [[math.exp(-rate) * rate**k / math.factorial(k) for k in range(60)] for rate in (3, 4, 2)]
    evening, earned = [], []
    for cars, asked, back in ((4, pmf[0], pmf[0]), (12, pmf[1], pmf[2])):
        distribution, money = np.zeros(21), 0.0
        for k, p in enumerate(asked):
            money += 10 * p * min(k, cars)
            for j, q in enumerate(back):
                distribution[min(cars - min(k, cars) + j, 20)] += p * q
        evening.append(distribution)
        earned.append(money)
    state, action = jack.state_names.index("7, 9"), jack.action_names.index("+3")
    found = outcomes(jack, state, action)
    np.testing.assert_allclose([o[0] for o in found], np.outer(*evening).ravel(), atol=1e-12)
    assert found[0][2] == pytest.approx(sum(earned) - 6, abs=1e-9)
    free = problems.car_rental(nonlinear=True)
    assert outcomes(free, state, action)[0][2] == pytest.approx(sum(earned) - 4 - 4, abs=1e-9)  # 12 cars parked
    assert jack.legal[jack.state_names.index("0, 2")].tolist() == [False] * 3 + [True] * 3 + [False] * 5


def test_the_fastest_lap_is_that_of_a_search_forwards():
    track = problems.race_track(noise=0)
    frontier, seen, laps = set(np.flatnonzero(track.initial)), set(), 0
    finish = track.state_names.index("finish")
    while finish not in frontier:
        seen |= frontier
        reached = {int(o[1]) for s in frontier for a in range(9) for o in outcomes(track, s, a) if o[0] == 1}
        frontier, laps = reached - seen, laps + 1
    assert solve(track, 1).v[track.initial > 0].max() == -laps
    speeds = [name.split("speed ")[1] for name in track.state_names if name != "finish"]
    assert {speed for speed in speeds if speed != "(0, 0)"} <= {f"({u}, {r})" for u in range(5) for r in range(5)}
    stopped = [name for name in track.state_names if name.endswith("speed (0, 0)")]
    assert stopped
    assert all(name.startswith("(31, ") for name in stopped)


def test_off_the_track_one_starts_anew_and_noise_keeps_the_speed():
    track = problems.race_track("..F\n...\nSS#", noise=0.25)
    start, keep = track.state_names.index("(2, 0) speed (0, 0)"), track.action_names.index("0, 0")
    assert outcomes(track, start, keep) == [(1.0, start, -1.0, False)]
    right = {track.state_names[s]: p for p, s, _, _ in outcomes(track, start + 1, track.action_names.index("0, +1"))}
    assert right == {"(2, 0) speed (0, 0)": 0.375, "(2, 1) speed (0, 0)": 0.375 + 0.25}


def test_random_problems_are_seeded_and_as_branched_as_asked():
    one, other = problems.garnet(30, 3, 4, seed=1), problems.garnet(30, 3, 4, seed=2)
    assert one.digest != other.digest
    assert (np.diff(one.offsets) == 4).all()
    successors = one.next_state.reshape(-1, 4)
    assert all(len(set(row)) == 4 for row in successors)
    means = problems.garnet(400, 4, 2).expected_reward
    assert abs(means.mean()) < 4.5 / 40
    assert abs(means.std() - 1) < 4.5 / (40 * math.sqrt(2))
    found = [solve(one, 0.9, method=method).v for method in ("value_iteration", "policy_iteration")]
    np.testing.assert_allclose(*found, atol=1e-7)


def test_bairds_features_are_the_books():
    features = problems.baird_features()
    assert features.shape == (7, 8)
    assert np.linalg.matrix_rank(features) == 7  # so the true value, 0, is among many solutions
    star = problems.baird_star()
    assert [name for _, name in sorted({(o[1], star.state_names[o[1]]) for o in outcomes(star, 0, 1)})] == ["lower"]


def test_the_meaning_of_an_action_in_the_deep_sea_is_drawn_by_the_seed():
    plain, one, other = (problems.deep_sea(seed=seed) for seed in (None, 1, 2))
    assert one.digest != other.digest
    assert (solve(plain, 1).policy[np.cumsum(np.arange(11))[1:] - 1] == 1).all()  # right all along the diagonal
    flipped = np.array([outcomes(plain, s, 1)[0][1:3] != outcomes(one, s, 1)[0][1:3] for s in range(55)])
    assert 0.2 < flipped.mean() < 0.8


# Grids


def test_the_frozen_lake_drawn_as_text_is_gymnasiums():
    lake = make("FrozenLake-v1")
    text = problems.grid_world("S...\n.H.H\n...H\nH..G", {"H": 0}, slip=2 / 3)
    for discount in (0.9, 1):
        np.testing.assert_allclose(solve(text, discount).v, solve(lake, discount).v, atol=1e-8)


def test_the_cliff_drawn_as_text_is_gymnasiums():
    cliff = make("CliffWalking-v1")
    text = problems.grid_world("............\n............\n............\nSCCCCCCCCCCG", {"G": -1}, -1)
    assert text.num_states == 38
    walkable = [int(r) * 12 + int(c) for r, c in (name.strip("()").split(", ") for name in text.state_names)]
    np.testing.assert_allclose(solve(text, 0.9).v[:-1], solve(cliff, 0.9).v[walkable[:-1]], atol=1e-8)


def test_kings_go_diagonally_and_stay():
    kings = problems.grid_world("..G\n...\nS..", step_reward=-1, moves="kings and stay")
    assert kings.action_names[4:] == ("up-right", "down-right", "down-left", "up-left", "stay")
    assert solve(kings, 1).value == 0  # one step of −1, then the goal
    here = numbered(kings, (1, 1))
    assert [kings.state_names[outcomes(kings, here, a)[0][1]] for a in range(4, 9)] == [
        "(0, 2)", "(2, 2)", "(2, 0)", "(0, 0)", "(1, 1)",
    ]  # fmt: skip


def test_a_slip_goes_a_quarter_turn_and_running_into_something_may_cost():
    grid = problems.grid_world("...\n.S#\nG..", {"#": -5}, slip=0.2)
    found = {(grid.state_names[s], r): p for p, s, r, _ in outcomes(grid, numbered(grid, (1, 1)), 0)}
    assert found == pytest.approx({("(0, 1)", 0.0): 0.8, ("(1, 0)", 0.0): 0.1, ("(1, 1)", -5.0): 0.1})
    diagonal = problems.grid_world("..G\n.S.\n...", moves="kings", slip=0.5)
    found = {
        diagonal.state_names[s]: p for p, s, _, _ in outcomes(diagonal, 4, diagonal.action_names.index("up-right"))
    }
    assert found == {"(0, 2)": 0.5, "(0, 0)": 0.25, "(2, 2)": 0.25}


def test_wind_pushes_until_something_is_in_the_way():
    grid = problems.grid_world("..\n#.\n.G\nS.", wind=(3, -1))
    assert grid.state_names[outcomes(grid, numbered(grid, (3, 0)), 3)[0][1]] == "(2, 0)"
    assert outcomes(grid, numbered(grid, (0, 1)), 2)[0][1:] == (numbered(grid, (2, 1)), 1.0, True)
    gusty = problems.grid_world(".....\n.....\n.....\nS...G", wind=(1, 0, 0, 0, 0), gusts=True)
    found = {gusty.state_names[s]: p for p, s, _, _ in outcomes(gusty, numbered(gusty, (3, 0)), 1)}
    assert found == pytest.approx({"(3, 1)": 1 / 3, "(2, 1)": 1 / 3, "(1, 1)": 1 / 3})


def test_the_stochastic_wind_is_that_of_value_iteration_written_anew():
    wind, v = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0), np.zeros((7, 10))
    for _ in range(400):
        new = np.full((7, 10), -np.inf)
        for r in range(7):
            for c in range(10):
                for down, right in ((-1, 0), (0, 1), (1, 0), (0, -1)):
                    row, column = min(max(r + down, 0), 6), min(max(c + right, 0), 9)
                    pushes = [wind[c] + d for d in (-1, 0, 1)] if wind[c] else [0]
                    new[r, c] = max(new[r, c], np.mean([v[min(max(row - push, 0), 6), column] for push in pushes]) - 1)
        new[3, 7] = 0
        v = new
    assert solve(problems.windy_grid(stochastic=True), 1).value == pytest.approx(v[3, 0], abs=1e-6)


def test_letters_lead_on_digits_pay_themselves_and_starts_are_drawn_evenly():
    grid = problems.grid_world("SA.a\nS.7a", {"A": 2})
    assert grid.initial[[numbered(grid, (0, 0)), numbered(grid, (1, 0))]].tolist() == [0.5, 0.5]
    found = outcomes(grid, numbered(grid, (0, 1)), 2)
    assert [(p, grid.state_names[s], r) for p, s, r, _ in found] == [(0.5, "(0, 3)", 2.0), (0.5, "(1, 3)", 2.0)]
    assert outcomes(grid, numbered(grid, (1, 1)), 1)[0][1:] == (numbered(grid, (1, 2)), 7.0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("S.\n.",), "Row 1 of the map, '.', has 1 cells and row 0 has 2"),
        (("S?G",), r"'\?' in row 0, column 1"),
        (("..G",), "no start"),
        (("",), "map is empty"),
        (("SAG",), "'A', which leads to 'a', and no 'a'"),
        (("S.G", {"H": 1}), "`rewards` has 'H'"),
        (("S.G", {".": 1}), r"`rewards` has '\.'"),
        (("S.G", {"G": math.nan}), r"rewards\['G'\]"),
        (("S.G", None, math.inf), "step_reward"),
        (("S.G", None, 0, "knights"), "`moves` is 'knights'"),
        (("S.G", None, 0, "plain", 1.5), "`slip` is 1.5"),
        (("S.G", None, 0, "plain", 0, (1, 2)), "3 columns"),
    ],
)
def test_a_map_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        problems.grid_world(*arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: problems.random_walk(0), "`n` is 0"),
        (lambda: problems.random_walk(left=math.nan), "`left`"),
        (lambda: problems.blocking_maze(-1), "`at_step` is -1"),
        (lambda: problems.access_control(priorities=()), "`priorities`"),
        (lambda: problems.access_control(free_probability=0), "free_probability"),
        (lambda: problems.deep_sea(seed=-1), "`seed` is -1"),
        (lambda: problems.gambler(1.2), "`p` is 1.2"),
        (lambda: problems.garnet(3, 2, 4), "`branching` is 4"),
        (lambda: problems.race_track("S..\n..#"), "`track`"),
        (lambda: problems.double_chain(1), "`length` is 1"),
        (lambda: problems.car_rental(True), "`most` is True"),
        (lambda: problems.van_hasselt_grid(1), "`size` is 1"),
        (lambda: problems.windy_grid("rooks"), "`moves` is 'rooks'"),
    ],
)
def test_what_makes_no_problem_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_somebody_elses_environment_of_the_same_id_stays_theirs():
    class Other(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    mine = gym.registry.pop("RiverSwim-v0")
    try:
        gym.register("RiverSwim-v0", entry_point=Other)
        assert not isinstance(make("RiverSwim-v0"), FiniteMDP)
    finally:
        gym.registry["RiverSwim-v0"] = mine
