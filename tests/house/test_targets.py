"""Objects compiled for one instruction set must not leak code that others could run."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_wide_objects_export_their_own_target_only():
    """An inline function compiled for AVX-512 must never be the copy the linker keeps for all."""
    objects = sorted((ROOT / "build").glob("*/CMakeFiles/angio_v[34].dir/**/*.o"))
    if not objects or shutil.which("nm") is None:
        pytest.skip("no object files of this build, or no nm")
    leaked = []
    for file in objects:
        own = f"(angio::Target){2 if 'angio_v4' in str(file) else 1}"
        listing = subprocess.check_output(["nm", "-C", "--defined-only", "-g", file], text=True)  # noqa: S607
        names = [line.split(maxsplit=2)[2] for line in listing.splitlines()]
        leaked += [f"{file.name}: {name}" for name in names if own not in name]
    assert not leaked
