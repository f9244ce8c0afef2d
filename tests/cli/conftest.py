"""Commands run in this process where they can, and as a shell would start them where they must."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from qlearn.cli import run


@dataclass
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON object on standard output; NaN and Infinity are refused."""
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        return read_strictly(self.out)


def read_strictly(text):
    """Read JSON that holds neither NaN nor Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def strict_json():
    """A function that reads JSON without NaN and Infinity."""
    return read_strictly


@pytest.fixture
def qlearn(capsys, monkeypatch, tmp_path):
    """Run a command here, in an empty folder, with the words of a command line; `stdin=` is what is typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qlearn.cli.cache.keep_compiled", lambda: None)  # it would change JAX for all other tests
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*words, stdin=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def started(tmp_path):
    """Start a command in a process of its own, with an empty cache folder; returns the process."""

    processes = []

    def start(*words, **settings):
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **settings}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        command = [sys.executable, "-m", "qlearn", *map(str, words)]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, stderr=pipe))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
