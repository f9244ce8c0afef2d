"""Yardsticks: how fast qlearn is beside what people would write otherwise.  `python -m benchmarks --help`."""
