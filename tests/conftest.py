"""What holds for every test."""

import os
import signal

import hypothesis
import jax

# Shapes and dtypes that meet by accident are bugs: JAX refuses to align ranks or to mix dtypes.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# A shell lets what it starts in the background ignore Ctrl-C, which some tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A first call compiles, so no example has a deadline; on CI the examples are the same every time.
hypothesis.settings.register_profile("qlearn", deadline=None, print_blob=True, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("qlearn")
