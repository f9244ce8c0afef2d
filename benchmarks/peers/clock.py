"""What all drivers share: one core, one thread, and a server that runs a piece of work whenever it is told to.

A driver prints a line of JSON for each line that it reads: the steps it made, the seconds of its process, and the wall
seconds.  So peers and qlearn take turns, each in a process and an environment of its own.
"""

import json
import os
import sys
import time


def settle():
    """Keep to one core and one thread; to be called before NumPy, torch or JAX is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def serve(work, versions):
    """Answer every line of standard input with one run of ``work``, a function that returns its steps."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    for _ in sys.stdin:
        wall, process = time.perf_counter(), time.process_time()
        try:
            steps = work()
        except Exception as error:  # the race goes on without this one
            answer = {"failed": f"{type(error).__name__}: {error}"}
        else:
            process, wall = time.process_time() - process, time.perf_counter() - wall
            answer = {"amount": steps, "process": process, "wall": wall, "versions": versions}
        print(json.dumps(answer), file=out, flush=True)
