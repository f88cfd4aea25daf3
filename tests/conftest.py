"""Fixtures shared by every test."""

import importlib.util
import sys
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser):
    parser.addoption("--native", help="a compiled sdk._native to test instead of the installed one")


def pytest_configure(config):
    """Loads the module of --native before anything imports sdk; it may be slow and watched."""
    if path := config.getoption("--native"):
        from hypothesis import settings

        settings.register_profile("native", deadline=None, max_examples=25)
        settings.load_profile("native")
        spec = importlib.util.spec_from_file_location("sdk._native", path)
        sys.modules["sdk._native"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["sdk._native"])


@pytest.fixture(scope="session")
def cuda():
    """The CUDA device, or a skip that says why there is none."""
    from devices import Cuda

    from sdk import _native

    usable, answer = _native.cuda_device()
    if not usable:
        pytest.skip(f"no CUDA here: {answer}")
    return Cuda()


@pytest.fixture(scope="session", params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """Runs a kernel test on the CPU, and on the CUDA device where there is one."""
    from devices import Cpu

    return Cpu() if request.param == "cpu" else request.getfixturevalue("cuda")


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
