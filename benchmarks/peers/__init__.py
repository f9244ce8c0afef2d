"""Drivers of other libraries, run by the interpreter of an environment of their own: see benchmarks/networks.py."""
