"""Keras is loaded when a network is made, on JAX, and not before."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError


def test_the_agents_load_no_keras_until_a_network_is_made():
    code = (
        "import sys, qlearn.agents; assert 'keras' not in sys.modules; "
        "from qlearn.agents.mlp import mlp; from qlearn.agents.network import Network; "
        "Network.of(mlp(3)); assert sys.modules['keras'].backend.backend() == 'jax'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_another_backend_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "torch")))
    with pytest.raises(InputError, match=r"imported with its torch backend.*`import qlearn` above `import keras`"):
        load_keras()


def test_a_variable_that_asks_for_another_backend_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(InputError, match="KERAS_BACKEND=tensorflow is set"):
        load_keras()
