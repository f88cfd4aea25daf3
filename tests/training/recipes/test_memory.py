"""Freed memory stays with the process: the next step takes it without asking for fresh pages."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from training.recipes.memory import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
faults = []
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(1 << 26, np.uint8)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[-1])
"""


def page_faults(mode: str) -> int:
    """Minor page faults of the fourth tensor of 64 MiB."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library is told")
def test_a_freed_tensor_is_taken_again() -> None:
    assert 10 * page_faults("kept") < page_faults("given back")
