"""The CUDA kernels as host code: the GPU suite with threads and blocks in random order.

It shows that the device code is right under the emulation's rules, never that it ran on CUDA.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "emulated"
ON_DEVICE = (
    "tests/benchmarks/test_gpu_check.py",
    "tests/sdk/test_device_session.py",
    "tests/sdk/test_device_volume.py",
    "tests/sdk/backends/test_onnxruntime_cuda.py",
    "tests/sdk/backends/test_tensorrt_on_device.py",
)
HOST_POINTER = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("sdk._native", sys.argv[1])
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)
class Liar:
    def __init__(self, array):
        self.array = array
        self.__cuda_array_interface__ = array.__array_interface__
frame = Liar(np.zeros((4, 4), np.uint16))
native.min_projection(frame, frame)
"""
OVERRUN = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("sdk._native", sys.argv[1])
native = importlib.util.module_from_spec(spec)
spec.loader.exec_module(native)
class Liar:
    def __init__(self, array, shape):
        self.array = array
        self.__cuda_array_interface__ = array.__cuda_array_interface__ | {"shape": shape}
frame = Liar(native.DeviceArray((64, 32), "uint16"), (65, 32))
native.min_projection(frame, frame)
"""


@pytest.fixture(scope="module")
def emulated():
    """The emulated module, brought up to date with the sources."""
    if not (BUILD / "build.ninja").exists():
        pytest.skip("the emulation is not built here; `make emulated` builds it")
    beside = Path(sys.executable).parent / "cmake"
    cmake = str(beside) if beside.exists() else shutil.which("cmake")
    if cmake is None:
        pytest.skip("there is no cmake to bring the emulation up to date")
    subprocess.run([cmake, "--build", BUILD], check=True, capture_output=True)
    return next(BUILD.glob("_native*.so"))


def python(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_gpu_suite_passes_in_the_emulation(emulated):
    done = python(
        *("-m", "pytest", "-q", "-s", "-m", "gpu", "-p", "no:cacheprovider"),
        *(f"--native={emulated}", "tests/csrc", *ON_DEVICE),
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    counts = dict(re.findall(r"(\d+) (passed|skipped)", done.stdout)[::-1])
    passed = [int(count) for count, word in counts.items() if word == "passed"]
    assert passed
    assert passed[0] > 50
    assert "skipped" not in counts.values()


@pytest.mark.parametrize(
    ("lie", "why"), [(HOST_POINTER, "a kernel was given a pointer to host memory"), (OVERRUN, "")]
)
def test_the_emulation_stops_a_kernel_that_a_device_would_stop(emulated, lie, why):
    done = python("-c", lie, emulated)
    assert done.returncode < 0, "the process must be ended by a signal"
    assert why in done.stderr
