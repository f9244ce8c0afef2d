"""Yardsticks: how fast qlearn is beside what people would write otherwise.  `python -m benchmarks --help`."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras
