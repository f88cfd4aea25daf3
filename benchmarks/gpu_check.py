"""``python -m benchmarks.gpu_check``: builds, tests, sanitises and measures on a CUDA machine."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "gpu"
RESULTS = ROOT / "benchmarks" / "results"
TESTS = ["tests/csrc", "tests/sdk/test_device_session.py", "tests/sdk/test_device_volume.py"]
TOOLS = ("memcheck", "racecheck", "initcheck")
NEEDED = ("numpy", "scipy", "pybind11", "pytest", "hypothesis")


class MissingError(Exception):
    """What this machine lacks, in one sentence."""


def find_device() -> tuple[str, str]:
    """Name and compute capability (such as "87") of the first device, asked of the driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise MissingError(
            "gpu-check needs an NVIDIA driver, but there is no libcuda.so.1"
        ) from None
    count, device, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    version = [ctypes.c_int(), ctypes.c_int()]
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or count.value == 0:
        raise MissingError("gpu-check needs a CUDA device, but the driver finds none")
    driver.cuDeviceGet(ctypes.byref(device), 0)
    driver.cuDeviceGetName(name, 256, device)
    for attribute, value in zip((75, 76), version, strict=True):  # compute capability in cuda.h
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
    return name.value.decode(), "".join(str(value.value) for value in version)


def check_tools() -> None:
    """Refuses a machine that cannot build or test."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    missing += [name for name in ("cmake", "nvcc", "c++") if shutil.which(name) is None]
    if missing:
        raise MissingError(
            f"gpu-check needs {', '.join(missing)}; see docs/gpu.md for what to install"
        )


def run(*command: str, log: str) -> tuple[int, str]:
    """Exit code and output of a command; the output is also left in the build folder."""
    print(f"gpu-check: {log}", flush=True)
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    (BUILD / f"{log}.log").write_text(done.stdout, encoding="utf-8")
    return done.returncode, done.stdout


def build(capability: str) -> Path:
    """Compiles the kernels for this device; returns the module."""
    import pybind11

    BUILD.mkdir(parents=True, exist_ok=True)
    settings = {
        "ANGIO_CUDA": "ON",
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CUDA_ARCHITECTURES": f"{capability}-real",
        "SKBUILD_PROJECT_VERSION": "0",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    code, text = run("cmake", "-S", ".", "-B", str(BUILD), *options, log="configure")
    if code == 0:
        jobs = str(os.cpu_count() or 1)
        code, text = run("cmake", "--build", str(BUILD), "--parallel", jobs, log="build")
    if code:
        raise MissingError(f"gpu-check could not build the kernels:\n{text[-3000:]}")
    return next(BUILD.glob("_native*.so"))


def test_command(module: Path, *more: str) -> list[str]:
    """Runs every kernel test on the device."""
    python = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", f"--native={module}"]
    return [*python, "-p", "no:cacheprovider", *TESTS, *more]


def test(module: Path) -> dict[str, Any]:
    """The outcome of the GPU suite; a suite that skips everything has not passed."""
    code, text = run(*test_command(module), log="tests")
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", text)}
    return {"passed": code == 0 and counts.get("passed", 0) > 0, "counts": counts}


def sanitise(module: Path) -> dict[str, str]:
    """The verdict of every tool of compute-sanitizer on the tests of small cases."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        return dict.fromkeys(TOOLS, "not run: compute-sanitizer is not installed")
    verdicts = {}
    for tool in TOOLS:
        watched = [sanitizer, "--tool", tool, "--error-exitcode", "9"]
        code, _ = run(*watched, *test_command(module, "-k", "not large"), log=tool)
        verdicts[tool] = "clean" if code == 0 else f"failed, see build/gpu/{tool}.log"
    return verdicts


def benchmark(module: Path) -> dict[str, Any]:
    """The benchmark, with the module that was built."""
    spec = importlib.util.spec_from_file_location("sdk._native", module)
    if spec is None or spec.loader is None:
        raise MissingError(f"gpu-check could not load {module.name}")
    sys.modules["sdk._native"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["sdk._native"])
    from benchmarks import gpu

    print("gpu-check: benchmark", flush=True)
    return gpu.measure(gpu.Sizes())


def check() -> bool:
    """Everything, in order; writes the result and says whether all of it passed."""
    name, capability = find_device()
    check_tools()
    module = build(capability)
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "device": name,
        "compute_capability": capability,
        "tests": test(module),
        "sanitizer": sanitise(module),
        "benchmark": benchmark(module),
    }
    path = RESULTS / f"gpu_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    passed = bool(result["tests"]["passed"])
    passed &= not any(verdict.startswith("failed") for verdict in result["sanitizer"].values())
    print(f"gpu-check: {'passed' if passed else 'FAILED'}, written to {path.relative_to(ROOT)}")
    return passed


def main() -> None:
    """Exits with 0 where everything passed."""
    try:
        sys.exit(0 if check() else 1)
    except MissingError as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()
