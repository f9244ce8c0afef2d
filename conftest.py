"""Every example in a docstring, in README.md and in docs/ runs as a test."""

import os
import sys
import tempfile
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

os.environ.setdefault("MPLBACKEND", "Agg")  # no window opens; set before anything imports Matplotlib
os.environ.setdefault("KERAS_BACKEND", "jax")  # as `import qlearn` does; some tests import Keras first

FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE
LENIENT = ("allow", "standard")  # what JAX does unasked


def enter_empty_folder(namespace):
    """An example may write files, and finds none."""
    namespace["_folder"] = tempfile.TemporaryDirectory()
    namespace["_back"] = Path.cwd()
    os.chdir(namespace["_folder"].name)
    namespace["_strict"] = promotion(*LENIENT)


def promotion(ranks, dtypes):
    """Set how JAX lets shapes and dtypes meet, which tests forbid and users do not; returns how it was."""
    if "jax" not in sys.modules:  # an example that needs it imports it as it comes
        return LENIENT
    config = sys.modules["jax"].config
    before = config.jax_numpy_rank_promotion, config.jax_numpy_dtype_promotion
    config.update("jax_numpy_rank_promotion", ranks)
    config.update("jax_numpy_dtype_promotion", dtypes)
    return before


def leave_folder(namespace):
    promotion(*namespace["_strict"])
    os.chdir(namespace["_back"])
    namespace["_folder"].cleanup()


pytest_collect_file = SybilCollection(
    [
        Sybil(
            parsers=[DocTestParser(FLAGS)],
            path="src",
            patterns=["*.py"],
            setup=enter_empty_folder,
            teardown=leave_folder,
        ),
        Sybil(
            parsers=[PythonCodeBlockParser(doctest_optionflags=FLAGS), SkipParser()],
            patterns=["README.md", "docs/*.md", "docs/*/*.md"],
            setup=enter_empty_folder,
            teardown=leave_folder,
        ),
    ]
).pytest()
