"""Samples of what `make faults` runs whole: the log of that is in tests/faults/logs."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("store_disk.py", ["--step", "45"]),
        ("store_damage.py", ["--each", "15"]),
        ("store_kills.py", ["--kills", "2", "--cases", "a sample", "--processes", "1"]),
    ],
)
def test_faults_lose_nothing(program, words):
    done = subprocess.run([sys.executable, HERE / program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
