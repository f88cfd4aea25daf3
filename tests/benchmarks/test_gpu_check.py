"""`make gpu-check` without what it needs, and its benchmark where a device is."""

import ast
import ctypes
import sys

import pytest

from benchmarks import gpu_check


def no_driver(name):
    raise OSError(f"{name}: cannot open shared object file")


class DriverWithoutDevices:
    def cuInit(self, flags):  # noqa: N802
        return 100

    def cuDeviceGetCount(self, count):  # noqa: N802
        return 100


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        (no_driver, "gpu-check needs an NVIDIA driver, but there is no libcuda.so.1"),
        (
            lambda name: DriverWithoutDevices(),
            "gpu-check needs a CUDA device, but the driver finds none",
        ),
    ],
)
def test_without_a_gpu_it_fails_with_one_sentence(monkeypatch, driver, sentence):
    monkeypatch.setattr(ctypes, "CDLL", driver)
    with pytest.raises(SystemExit) as ended:
        gpu_check.main()
    assert ended.value.code == sentence


def test_without_tools_it_names_them(monkeypatch):
    monkeypatch.setattr(gpu_check, "find_device", lambda: ("Orin", "87"))
    monkeypatch.setattr(gpu_check.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        gpu_check.main()
    assert "gpu-check needs" in str(ended.value.code)
    assert "nvcc" in str(ended.value.code)


def test_everything_that_the_suite_imports_is_asked_for():
    paths = [gpu_check.ROOT / name for name in gpu_check.TESTS]
    files = [file for path in paths for file in (path.glob("*.py") if path.is_dir() else [path])]
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    beside = {path.stem for path in (gpu_check.ROOT / "tests").glob("*.py")}
    foreign = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - beside
    assert foreign - {"sdk"} <= set(gpu_check.NEEDED)


def test_a_suite_that_skips_everything_has_not_passed(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_check, "run", lambda *command, log: (0, "100 skipped in 1s"))
    assert not gpu_check.test(tmp_path)["passed"]
    monkeypatch.setattr(gpu_check, "run", lambda *command, log: (0, "9 passed, 1 skipped in 1s"))
    assert gpu_check.test(tmp_path) == {"passed": True, "counts": {"passed": 9, "skipped": 1}}


def test_a_sanitizer_that_is_missing_is_not_called_clean(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_check.shutil, "which", lambda name: None)
    verdicts = gpu_check.sanitise(tmp_path)
    assert set(verdicts) == {"memcheck", "racecheck", "initcheck"}
    assert all(verdict.startswith("not run") for verdict in verdicts.values())


def test_the_suite_runs_the_module_that_was_built(tmp_path):
    command = gpu_check.test_command(tmp_path / "_native.so")
    assert command[0] == sys.executable
    assert f"--native={tmp_path / '_native.so'}" in command


@pytest.mark.gpu
def test_the_benchmark_measures_every_kernel(cuda, monkeypatch):
    from benchmarks import gpu
    from sdk.tasks import normalise

    monkeypatch.setattr(normalise, "PROBE", (16, 16))  # the emulation takes its time per thread
    small = gpu.Sizes(
        side=64,
        volume=(4, 8, 16),
        boxes=6,
        anchors=50,
        tile=8,
        patch=(2, 8, 8),
        copied_bytes=256,
        repeats=1,
    )
    found = gpu.measure(small)
    names = [row["kernel"] for row in found["kernels"]]
    assert len(set(names)) == len(names) >= 14
    assert all(row["ms"] > 0 and row["bytes_per_s"] > 0 for row in found["kernels"])
    assert found["frame_end_to_end_ms"] > 0
    assert len(found["device_pipeline_ms"]) == 3
    assert all(ms > 0 for ms in found["device_pipeline_ms"].values())
