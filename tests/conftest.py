"""What holds for every test."""

import gc
import os
import signal
from pathlib import Path

import hypothesis
import jax
import pytest

# Shapes and dtypes that meet by accident are bugs: JAX refuses to align ranks or to mix dtypes.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# A shell lets what it starts in the background ignore Ctrl-C, which some tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A first call compiles, so no example has a deadline; on CI the examples are the same every time.
hypothesis.settings.register_profile("qlearn", deadline=None, print_blob=True, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("qlearn")

ROOM = 3 * 2**30  # bytes that a process of the test run may take before it gives up what it compiled


@pytest.fixture(autouse=True, scope="module")
def _bounded_memory():
    """After a module: thousands of programs compiled in one process would take ten gigabytes in the end."""
    yield
    told = Path("/proc/self/statm")
    if told.exists() and int(told.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > ROOM:
        jax.clear_caches()
        gc.collect()
