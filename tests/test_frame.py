"""What holds for the project as a whole."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"


def run(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_importing_qlearn_loads_no_heavy_library():
    heavy = {"jax", "jaxlib", "keras", "matplotlib"}
    done = run(sys.executable, "-c", f"import qlearn, sys; print(*{heavy} & set(sys.modules))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_rooms_import_each_other_only_along_the_arrows():
    done = run(LINT_IMPORTS, "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("statistics", "qlearn.files"),
        ("rules", "qlearn.environments"),
        ("rules", "qlearn.agents"),
        ("planning", "qlearn.rules"),
        ("environments", "qlearn.planning"),
        ("engine", "qlearn.files"),
        ("training", "qlearn.evaluation"),
        ("training", "qlearn"),
    ],
)
def test_an_import_against_the_arrows_is_refused(tmp_path, importer, imported):
    """On a model of the package, in which each room is empty."""
    config = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(config)
    for room in ["", *sorted(path.parent.name for path in (ROOT / "src/qlearn").glob("*/__init__.py"))]:
        (tmp_path / "qlearn" / room).mkdir()
        (tmp_path / "qlearn" / room / "__init__.py").touch()
    assert run(LINT_IMPORTS, "--no-cache", cwd=tmp_path).returncode == 0
    (tmp_path / "qlearn" / importer / "a.py").write_text(f"def late():\n    import {imported}\n")
    refused = run(LINT_IMPORTS, "--no-cache", cwd=tmp_path)
    assert refused.returncode == 1
    assert f"qlearn.{importer}.a -> {imported}" in refused.stdout


def test_the_lock_names_no_host_and_gives_every_package_a_hash():
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^\s*-|\bindex-url\b|\bfind-links\b", re.sub(r"--hash=\S+", "", lock), re.MULTILINE)
    packages = re.findall(r"^[\w.-]+==.*$", lock, re.MULTILINE)
    assert packages
    assert all(package.endswith("\\") for package in packages)
