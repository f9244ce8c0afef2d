"""The yardsticks: table methods as plain loops over NumPy arrays, as reproductions of the book's figures write them.

One seed, one step at a time, equal actions chosen at random as the book asks and as qlearn does; the grid is stepped
by a few lines of Python, without Gymnasium's wrappers.  `lean_sarsa` takes the first of equal actions by `np.argmax`,
which is another method, and shows what that choice costs.
"""

import numpy as np

RATE, EPSILON, DISCOUNT, N, DECAY, PLANNING = 0.1, 0.1, 0.95, 4, 0.9, 5
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
MAZE_WALLS = {(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)}


class Cliff:
    """Sutton and Barto, example 6.6: 4 × 12 cells, a cliff at the bottom."""

    num_states, start = 48, 36

    def step(self, state, action):
        row, column = divmod(state, 12)
        row = min(max(row + MOVES[action][0], 0), 3)
        column = min(max(column + MOVES[action][1], 0), 11)
        if row == 3 and 0 < column < 11:
            return self.start, -100.0, False
        return row * 12 + column, -1.0, row == 3 and column == 11


class Maze:
    """Sutton and Barto, figure 8.2: 6 × 9 cells, walls, 1 for reaching the goal."""

    num_states, start = 54, 18

    def step(self, state, action):
        row, column = divmod(state, 9)
        to = min(max(row + MOVES[action][0], 0), 5), min(max(column + MOVES[action][1], 0), 8)
        if to in MAZE_WALLS:
            to = row, column
        ends = to == (0, 8)
        return to[0] * 9 + to[1], 1.0 if ends else 0.0, ends


def choose(q, state, rng):
    if rng.binomial(1, EPSILON) == 1:
        return rng.choice(4)
    values = q[state]
    return rng.choice([action for action, value in enumerate(values) if value == np.max(values)])


def first_best(q, state, rng):
    if rng.random() < EPSILON:
        return int(rng.integers(4))
    return int(np.argmax(q[state]))


def lean_sarsa(steps, seed=0):
    return sarsa(steps, seed, first_best)


def sarsa(steps, seed=0, choose=choose):
    world, rng = Cliff(), np.random.default_rng(seed)
    q = np.zeros((world.num_states, 4))
    state = world.start
    action = choose(q, state, rng)
    for _ in range(steps):
        following, reward, ended = world.step(state, action)
        then = choose(q, following, rng)
        target = reward + (0.0 if ended else DISCOUNT * q[following, then])
        q[state, action] += RATE * (target - q[state, action])
        state, action = following, then
        if ended:
            state = world.start
            action = choose(q, state, rng)
    return steps


def n_step_sarsa(steps, seed=0):
    world, rng, made = Cliff(), np.random.default_rng(seed), 0
    q = np.zeros((world.num_states, 4))
    while made < steps:
        states, actions, rewards = [world.start], [choose(q, world.start, rng)], [0.0]
        end, t = np.inf, 0
        while True:
            if t < end:
                following, reward, ended = world.step(states[t], actions[t])
                made += 1
                states.append(following)
                rewards.append(reward)
                if ended:
                    end = t + 1
                else:
                    actions.append(choose(q, following, rng))
            updated = t - N + 1
            if updated >= 0:
                last = int(min(updated + N, end))
                target = sum(DISCOUNT ** (i - updated - 1) * rewards[i] for i in range(updated + 1, last + 1))
                if updated + N < end:
                    target += DISCOUNT**N * q[states[updated + N], actions[updated + N]]
                cell = states[updated], actions[updated]
                q[cell] += RATE * (target - q[cell])
            if updated == end - 1 or made >= steps:
                break
            t += 1
    return made


def tree_backup(steps, seed=0):
    world, rng, made = Cliff(), np.random.default_rng(seed), 0
    q = np.zeros((world.num_states, 4))
    while made < steps:
        states, actions, rewards = [world.start], [choose(q, world.start, rng)], [0.0]
        end, t = np.inf, 0
        while True:
            if t < end:
                following, reward, ended = world.step(states[t], actions[t])
                made += 1
                states.append(following)
                rewards.append(reward)
                if ended:
                    end = t + 1
                else:
                    actions.append(choose(q, following, rng))
            updated = t - N + 1
            if updated >= 0:
                last = int(min(t + 1, end))
                target = rewards[last] if t + 1 >= end else rewards[last] + DISCOUNT * expected(q[states[last]])
                for k in range(last - 1, updated, -1):
                    chances, row = policy(q[states[k]]), q[states[k]]
                    others = sum(chances[a] * row[a] for a in range(4) if a != actions[k])
                    target = rewards[k] + DISCOUNT * (others + chances[actions[k]] * target)
                cell = states[updated], actions[updated]
                q[cell] += RATE * (target - q[cell])
            if updated == end - 1 or made >= steps:
                break
            t += 1
    return made


def policy(row):
    best = row == np.max(row)
    return EPSILON / 4 + (1 - EPSILON) * best / best.sum()


def expected(row):
    return np.dot(policy(row), row)


def true_online_sarsa_lambda(steps, seed=0):
    world, rng = Cliff(), np.random.default_rng(seed)
    q, traces, before = np.zeros((world.num_states, 4)), np.zeros((world.num_states, 4)), 0.0
    state = world.start
    action = choose(q, state, rng)
    for _ in range(steps):
        following, reward, ended = world.step(state, action)
        then = choose(q, following, rng)
        old, new = q[state, action], 0.0 if ended else q[following, then]
        error = reward + DISCOUNT * new - old
        held = traces[state, action]
        traces *= DISCOUNT * DECAY
        traces[state, action] += 1.0 - RATE * DISCOUNT * DECAY * held
        q += RATE * (error + old - before) * traces
        q[state, action] -= RATE * (old - before)
        before, state, action = new, following, then
        if ended:
            traces[:], before = 0.0, 0.0
            state = world.start
            action = choose(q, state, rng)
    return steps


def sarsa_lambda(steps, seed=0):
    world, rng = Cliff(), np.random.default_rng(seed)
    q, traces = np.zeros((world.num_states, 4)), np.zeros((world.num_states, 4))
    state = world.start
    action = choose(q, state, rng)
    for _ in range(steps):
        following, reward, ended = world.step(state, action)
        then = choose(q, following, rng)
        error = reward + (0.0 if ended else DISCOUNT * q[following, then]) - q[state, action]
        traces[state, action] += 1.0
        q += RATE * error * traces
        traces *= DISCOUNT * DECAY
        state, action = following, then
        if ended:
            traces[:] = 0.0
            state = world.start
            action = choose(q, state, rng)
    return steps


def dyna_q(steps, seed=0):
    world, rng = Maze(), np.random.default_rng(seed)
    q, model, seen = np.zeros((world.num_states, 4)), {}, {}
    state = world.start
    for _ in range(steps):
        action = choose(q, state, rng)
        following, reward, ended = world.step(state, action)
        q[state, action] += RATE * (reward + (0.0 if ended else DISCOUNT * q[following].max()) - q[state, action])
        model[state, action] = following, reward, ended
        seen.setdefault(state, [])
        if action not in seen[state]:
            seen[state].append(action)
        visited = list(seen)
        for _ in range(PLANNING):
            s = visited[rng.choice(len(visited))]
            a = seen[s][rng.choice(len(seen[s]))]
            then, paid, over = model[s, a]
            q[s, a] += RATE * (paid + (0.0 if over else DISCOUNT * q[then].max()) - q[s, a])
        state = world.start if ended else following
    return steps
