"""Certificates of the presets: `python -m benchmarks.certificates [NAME ...]`, for example dqn/CartPole-v1.

Each preset is trained for its own steps on ten seeds that it was not chosen on (five on MinAtar, three on Atari), and what is judged are the weights that every seed ends with, greedily, in 20 games on seeds of their own: never the best of many. Failed seeds stay in every mean. Each certificate is written as it is finished, into benchmarks/results/certificates.md and certificates.json, with the pictures and the table in docs/; those that are there already and were not named stay.
"""  # noqa: E501 - the second paragraph is printed as it is

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import certificate_pages, measure

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
SEEDS = range(1000, 1010)  # presets were chosen on seeds below 200
FEWER = {"pgx:minatar": 5, "ALE/": 3}  # seeds where each takes long
# What returns are measured on, where that is not what is trained on: a game's own points.
JUDGED = {"ALE/Breakout-v5": "ALE/Breakout-v5(reward_clipping=False, max_episode_steps=3000)"}
LANE = 8  # seeds that one program carries, used or not
SNAPSHOTS = 20
FEWER_SNAPSHOTS = 3  # on Atari, where a game takes a minute
LAST = 100  # episodes that the training return at the end is a mean of, as in CleanRL's published figures
CONTROL_STEPS, CONTROL_EPISODES = 100_000, 50


def name_of(preset):
    return f"{preset.name}/{preset.environment}"


def is_atari(environment):
    return environment.startswith("ALE/")


def many(environment):
    """How many seeds a certificate has."""
    return next((count for start, count in FEWER.items() if environment.startswith(start)), len(SEEDS))


def interval(values):
    """A mean with its 95% interval (Student's t), and every seed's value."""
    from qlearn.statistics import mean_interval

    found = mean_interval(values)
    low, high = found.interval or (None, None)
    return {"mean": found.mean, "low": low, "high": high, "per_seed": [float(value) for value in values]}


def last_episodes(runs, episodes=LAST):
    """Each seed's mean return over the last episodes that it completed, exploration included."""
    ends = [returns[:count] for returns, count in zip(runs.returns, runs.num_episodes, strict=True)]
    return [float(returns[-episodes:].mean()) for returns in ends]


def last_steps(runs, share=0.1):
    """The same over the episodes that ended in the last share of the steps."""
    means = []
    for returns, lengths, count in zip(runs.returns, runs.lengths, runs.num_episodes, strict=True):
        ends = np.cumsum(lengths[:count])
        late = returns[:count][ends > (1 - share) * runs.num_steps.max()]
        means.append(float(late.mean()) if late.size else float(returns[:count][-1]))
    return means


def goals(runs):
    """Where an episode is long unless the goal is reached: how often exploration and learning reached it."""
    limit = runs.environment.time_limit or np.inf
    first, reached, late = [], [], []
    for lengths, count in zip(runs.lengths, runs.num_episodes, strict=True):
        there = lengths[:count] < limit
        ends = np.cumsum(lengths[:count])
        first.append(int(ends[there][0]) if there.any() else None)
        reached.append(int(there.sum()))
        late.append(float(there[-LAST:].mean()))
    return {"first_step": first, "episodes": reached, "share_of_last_episodes": late}


def trained(preset, seeds):
    """The runs of a preset: all seeds in one training, or each in one of its own where they would not fill a lane."""
    import qlearn as ql

    agent = ql.preset(preset.name, preset.environment)
    snapshots = FEWER_SNAPSHOTS if is_atari(preset.environment) else SNAPSHOTS
    groups = [list(seeds)] if len(seeds) >= LANE else [[seed] for seed in seeds]
    for group in groups:
        yield ql.train(agent, preset.environment, steps=preset.steps, seeds=group, snapshots=snapshots, progress=False)


def certify(preset, seeds):
    """Train and judge one preset; everything that its certificate says."""
    import qlearn as ql

    wall, process = time.perf_counter(), time.process_time()
    parts = list(trained(preset, seeds))
    wall, process = time.perf_counter() - wall, time.process_time() - process
    judged = JUDGED.get(preset.environment)
    found, first = [ql.evaluate(runs, judged) if judged else ql.evaluate(runs) for runs in parts], parts[0]

    def every(values):
        return [value for part in values for value in part]

    return {
        "agent": preset.name,
        "environment": preset.environment,
        "judged": judged or preset.environment,
        "label": first.label,
        "settings": preset.agent,
        "agent_version": first.settings["agent_version"],
        "source": preset.source,
        "claim": preset.claim,
        "steps": preset.steps,
        "seeds": [int(seed) for seed in every(runs.seeds for runs in parts)],
        "greedy": interval(every(one.exact_return for one in found))
        | {"games": 20, "standard_error": every(one.standard_error.tolist() for one in found)},
        "training": interval(every(map(last_episodes, parts))) | {"episodes": LAST},
        "training_last_tenth_of_steps": interval(every(map(last_steps, parts))),
        "diverged_at": [int(step) for step in every(runs.diverged_at for runs in parts)],
        "num_diverged": int(sum(runs.diverged.sum() for runs in parts)),
        "goal": {key: every(goals(runs)[key] for runs in parts) for key in goals(first)},
        "curve": {
            "steps": found[0].positions.tolist(),
            "greedy": every(np.round(one.curve, 2).tolist() for one in found),
        },
        "wall_seconds": wall,
        "processor_seconds": process,
        "conditions": measure.conditions() | first.versions,
    }


def control(environment, seeds):
    """What the uniform policy gets, as everything here is held against it."""
    import keras

    import qlearn as ql

    uniform = ql.EpsilonGreedy(1.0)
    if is_atari(environment):  # a network that never begins to learn
        agent = ql.DQN(
            ql.nature_cnn(units=16),
            keras.optimizers.Adam(),
            replay=100,
            batch_size=10,
            learning_starts=2**31,
            exploration=uniform,
        )
        budget = {"episodes": CONTROL_EPISODES}
    else:
        agent, budget = ql.StreamQ(ql.mlp(16), learning_rate=0.0, exploration=uniform), {"steps": CONTROL_STEPS}
    world = JUDGED.get(environment, environment)
    return interval(ql.train(agent, world, seeds=list(seeds), progress=False, **budget).online_returns())


def read(folder):
    """What earlier runs wrote."""
    written = folder / "certificates.json"
    return json.loads(written.read_text()) if written.exists() else {"certificates": {}, "controls": {}}


def write(folder, held, order):
    held["certificates"] = {name: held["certificates"][name] for name in order if name in held["certificates"]}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(held, indent=1, ensure_ascii=False)
    (folder / "certificates.json").write_text(certificate_pages.compact(text) + "\n")
    (folder / "certificates.md").write_text(certificate_pages.page(held, __doc__ or "", order.values()))
    if folder == RESULTS:
        certificate_pages.into_docs(ROOT / "docs" / "certificates.md", held)
        certificate_pages.pictures(ROOT / "docs" / "pictures", held)


def main():
    import qlearn as ql

    known = {name_of(preset): preset for preset in ql.presets()}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certificates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(known))
    parser.add_argument("--missing", action="store_true", help="only those whose settings have no certificate yet")
    parser.add_argument("--pages", action="store_true", help="train nothing; write pages and pictures again")
    parser.add_argument("--seeds", type=int, help=f"how many, from 1,000 on; {len(SEEDS)}, or 5 on MinAtar")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where to write")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(known))
    if unknown:
        parser.error(f"no preset is called {', '.join(unknown)}; there are {', '.join(known)}")
    held = read(chosen.out)
    for name in [] if chosen.pages else chosen.names or known:
        preset, there = known[name], held["certificates"].get(name, {})
        if chosen.missing and (there.get("settings"), there.get("steps")) == (preset.agent, preset.steps):
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        seeds = range(SEEDS[0], SEEDS[0] + (chosen.seeds or many(preset.environment)))
        held["certificates"][name] = made = certify(preset, seeds)
        if preset.environment not in held["controls"]:
            held["controls"][preset.environment] = control(preset.environment, seeds)
        write(chosen.out, held, known)
        print(certificate_pages.line(made), flush=True)
    write(chosen.out, held, known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
