"""Harnesses as modules: `make faults` runs them whole, the tests here a sample."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def harness():
    """A function that loads a harness by name, as a module that worker processes find too."""
    loaded = {}

    def load(name):
        if name not in loaded:
            spec = importlib.util.spec_from_file_location(f"harness_{name}", Path(__file__).with_name(f"{name}.py"))
            loaded[name] = importlib.util.module_from_spec(spec)
            sys.modules[f"harness_{name}"] = loaded[name]
            spec.loader.exec_module(loaded[name])
        return loaded[name]

    yield load
    for name in loaded:
        del sys.modules[f"harness_{name}"]
