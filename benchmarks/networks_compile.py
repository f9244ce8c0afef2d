"""What the first call of each agent costs, without and with what the command line keeps of compiled programs."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.networks_race import main

COLD, WARM = 15.0, 3.0


def tutorial():
    import qlearn as ql

    return ql.tutorial_network(), "NChain-v0", 200


def stream():
    import qlearn as ql

    return ql.StreamQ(ql.mlp(32, 32, layer_norm=True)), "CartPole-v1", 200


def pqn():
    from benchmarks.networks_pqn import agents

    return agents()["purejaxql"], "CartPole-v1", 4096


def dqn():
    from benchmarks.networks_dqn import agents

    return agents()["one"], "CartPole-v1", 2000


def minatar():
    from benchmarks.networks_minatar import agent

    return agent(), "gymnax:Breakout-MinAtar", 4096


def host():
    import qlearn as ql

    return dqn()[0], ql.make("CartPole-v1", vectorization="sync"), 200


CASES = {
    "OnlineQNetwork, the tutorial's, 8 seeds": (tutorial, 8),
    "StreamQ on CartPole, 8 seeds": (stream, 8),
    "DQN on CartPole, 1 seed": (dqn, 1),
    "DQN on CartPole, 8 seeds": (dqn, 8),
    "DQN on Gymnasium's CartPole, host loop, 1 seed": (host, 1),
    "PQN on CartPole, 8 seeds": (pqn, 8),
    "PQN on MinAtar Breakout, 8 seeds": (minatar, 8),
}


def measured(name):
    """Wall seconds by which the first call of `train` was longer than the second; the process is a fresh one."""
    import qlearn as ql
    from qlearn.cli.cache import keep_compiled

    make, seeds = CASES[name]
    agent, environment, steps = make()
    keep_compiled()  # as the command line does; into XDG_CACHE_HOME
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        ql.train(agent, environment, steps=steps, seeds=seeds, progress=False)
        seconds.append(time.perf_counter() - start)
    return max(0.0, seconds[0] - seconds[1])


def child(name, cache):
    env = {**os.environ, "XDG_CACHE_HOME": cache}
    env.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, "-m", "benchmarks.networks_compile", "--one", name]
    done = subprocess.run(
        command, env=env, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(name, seconds, target):
    found = {**measure.spread(seconds), "unit": "s"}
    met = found["median"] < target
    return {"what": name, "ratio": None, "ratio_wall": None, "absolute": found, "target": f"< {target:g} s", "met": met}


def run(quick, interpreter):
    del interpreter
    conditions = {**measure.conditions(), "keras": measure.version("keras"), "pinned_to_one_core": True}
    before, rows = os.getloadavg()[0], []
    for name in list(CASES)[:1] if quick else CASES:
        print(f"  {name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as cache:
            cold = [child(name, cache)]
            warm = [child(name, cache) for _ in range(2)]
        rows += [row(f"{name}, cold", cold, COLD), row(f"{name}, from the cache", warm, WARM)]
    return {
        "title": "What the first call of `train` takes longer than the second, in fresh processes",
        "conditions": conditions,
        "rows": rows,
        "notes": [
            "Wall time on one core, after imports: tracing, compiling or reading what was compiled, all programs of a "
            f"run. Load of the machine: {before:.1f} before, {os.getloadavg()[0]:.1f} after."
        ],
    }


if __name__ == "__main__":
    if "--one" in sys.argv:
        measure.pin()
        print(json.dumps(measured(sys.argv[sys.argv.index("--one") + 1])))
    else:
        main(run)
