import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def called(sample, *arguments, paths=(ROOT,)):
    command = [sys.executable, f"samples/{sample}", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": os.pathsep.join(map(str, paths)), "PATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def refused():
    """Runs a sample that ends with exit code 1 and returns what it says; `before` its modules."""

    def refused(sample, *arguments, before=ROOT):
        done = called(sample, *arguments, paths=(before, ROOT))
        assert done.returncode == 1, done.stdout
        return done.stderr

    return refused


@pytest.fixture
def run():
    """Runs a sample in a process of its own and returns what it prints."""

    def run(sample, *arguments):
        done = called(sample, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
