"""Compile kernel.c where a C compiler is, and drive it with ctypes."""

import ctypes
import functools
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("kernel.c")
# gcc would read a row of the table as one vector just after half of it was written, which stalls: 10% slower.
FLAGS = ("-O3", "-march=native", "-fno-tree-slp-vectorize", "-shared", "-fPIC")
GENERATOR = "Threefry-2x32, 13 rounds, one call a step"


def compiler():
    """The command of the C compiler, or None."""
    for command in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if command and shutil.which(shlex.split(command)[0]):
            return shlex.split(command)
    return None


@functools.cache
def library():
    """The compiled kernel, or None where there is no compiler."""
    command = compiler()
    if command is None:
        return None
    with tempfile.TemporaryDirectory() as folder:  # a library that is loaded needs its file no more
        built = Path(folder) / "kernel.so"
        subprocess.run([*command, *FLAGS, "-o", str(built), str(SOURCE)], check=True, capture_output=True)
        return ctypes.CDLL(str(built))


def describe():
    """The compiler's first line about itself with the flags, or 'no compiler'."""
    command = compiler()
    if command is None:
        return "no compiler"
    about = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    return f"{about.splitlines()[0]} {' '.join(FLAGS[:3])}; {GENERATOR}"


def threefry(key, counter):
    """Two words of Threefry-2x32 with 13 rounds."""
    out = (ctypes.c_uint32 * 2)()
    library().threefry13(*map(ctypes.c_uint32, (*key, *counter)), out)
    return tuple(out)


def learn(seeds, episodes, steps, *, first_seed=0, learning_rate=0.8, epsilon=0.5, decay=0.999):
    """Tables (seeds, 5, 2), visits (seeds, 5, 2) and returns (seeds, episodes) of so many runs one by one."""
    q_table = np.zeros((seeds, 5, 2), np.float32)
    visits = np.zeros((seeds, 5, 2), np.uint32)
    returns = np.zeros((seeds, episodes), np.float32)
    library().train(
        *map(ctypes.c_uint32, (first_seed, seeds, episodes, steps)),
        *map(ctypes.c_float, (learning_rate, 0.95)),
        *map(ctypes.c_double, (epsilon, decay)),
        *(array.ctypes.data_as(ctypes.c_void_p) for array in (q_table, visits, returns)),
    )
    return q_table, visits, returns


def run(seeds, episodes, steps):
    """Steps per second of process time."""
    start = time.process_time()
    learn(seeds, episodes, steps)
    return seeds * episodes * steps / (time.process_time() - start)
