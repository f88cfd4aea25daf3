"""Fixtures shared by every test."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data():
    """Finds a file of the real data beside the checkout, or skips and says which is missing."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real data {name} is not beside this checkout (../shared/data)")
        return path

    return find


@pytest.fixture(params=["baseline", "x86-64-v3", "x86-64-v4"])
def cpu_target(request):
    """Runs a kernel test once per instruction set this machine has."""
    from sdk import _native

    _native.limit_cpu_target(request.param)
    if _native.cpu_target() != request.param:
        _native.limit_cpu_target("x86-64-v4")
        pytest.skip(f"this machine cannot run {request.param}")
    yield request.param
    _native.limit_cpu_target("x86-64-v4")
