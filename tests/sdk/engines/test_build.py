"""Building from folder to cache, in real processes on a stand-in for driver and TensorRT."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import engine_folders
import pytest
import stand_in_device
from tensorrt_stand_in import Faults

from sdk.engines import BuildRequest, Trials, build_engines, find_plan
from sdk.engines.timing_cache import NAME, pin, pinned_sha256
from sdk.errors import EngineError


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    return stand_in_device.driver(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def device(tmp_path, monkeypatch, driver):
    """Installs the stand-ins of a release, with faults."""

    def install(version="10.3.0", **faults):
        home = tmp_path / "stand_in"
        home.mkdir(exist_ok=True)
        return stand_in_device.install(home, monkeypatch, version, Faults(**faults), driver)

    return install


@pytest.fixture
def folder(tmp_path):
    return engine_folders.engine_folder(tmp_path / "model", "fp32", "int8")


def files(cache):
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def suffixes(cache):
    return sorted("".join(Path(name).suffixes) for name in files(cache))


def test_builds_both_and_keeps_what_was_measured_to_win(folder, device, tmp_path):
    tools, cache, phases = device(), tmp_path / "cache", []
    times = iter([3.0, 2.0])
    choice = build_engines(
        folder,
        tools,
        BuildRequest(cache=cache),
        trials=Trials(time_ms=lambda data: next(times)),
        watch=lambda progress: phases.append(progress.phase),
    )
    assert choice.chosen == "int8"
    plan = find_plan(folder, tools.machine(), cache=cache)
    assert (plan.sidecar.precision, plan.sidecar.flags) == ("int8", ("FP16", "INT8"))
    assert plan.sidecar.options == {"workspace_mib": 2048, "optimization_level": 3}
    assert plan.sidecar.timing_cache_sha256 == ""
    half = find_plan(folder, tools.machine(), precision="fp16", cache=cache)
    assert half.sidecar.timing_cache_sha256, "the second build reads what the first measured"
    assert phases[:2] == ["building int8", "Building Engine"]
    assert suffixes(cache) == [".cache", ".cache.json", ".choice.json"] + [
        suffix for suffix in (".json", ".log", ".plan") for _ in "ab"
    ]


def test_what_is_kept_is_not_built_again(folder, device, tmp_path):
    request = BuildRequest(precision="fp32", cache=tmp_path / "cache")
    build_engines(folder, device(), request)
    tools = device(refuse={"fp32": "built again"})
    assert build_engines(folder, tools, request).chosen == "fp32"
    next((tmp_path / "cache").rglob("*.plan")).write_bytes(b"damaged")
    with pytest.raises(EngineError, match="built again"):
        build_engines(folder, tools, request)


def test_a_killed_build_is_a_step_down_with_its_reason(folder, device, tmp_path):
    tools, cache = device(kill=("int8",)), tmp_path / "cache"
    choice = build_engines(folder, tools, BuildRequest(cache=cache))
    assert choice.chosen == "fp16"
    assert "want of memory" in choice.steps[0].reason
    assert not [name for name in files(cache) if "partial" in name]


def test_threads_build_one_after_the_other(folder, device, tmp_path):
    tools, cache, told = device(), tmp_path / "cache", []

    def build(precision):
        request = BuildRequest(precision=precision, cache=cache)
        return build_engines(folder, tools, request, watch=lambda _: told.append(precision)).chosen

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(build, ("int8", "fp32"))) == ["int8", "fp32"]
    assert len(list(groupby(told))) == 2
    assert not [name for name in files(cache) if "partial" in name]


def test_the_log_holds_what_tensorrt_said(folder, device, tmp_path):
    request = BuildRequest(precision="fp32", cache=tmp_path / "cache")
    with pytest.raises(EngineError, match="could not find any implementation"):
        build_engines(folder, device(refuse={"fp32": "could not find any implementation"}), request)
    log = next((tmp_path / "cache").rglob("*.log")).read_text()
    assert "[ERROR] [stand-in] could not find any implementation" in log


def test_the_building_process_never_imports_torch(folder, device, tmp_path):
    tools = device()
    trap = "import pathlib; pathlib.Path(__file__).with_suffix('.imported').touch()\n"
    (tmp_path / "stand_in" / "torch.py").write_text(trap)
    build_engines(folder, tools, BuildRequest(precision="fp32", cache=tmp_path / "cache"))
    assert not (tmp_path / "stand_in" / "torch.imported").exists()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    assert (tmp_path / "stand_in" / "torch.imported").exists(), "the trap does not work"


def test_a_cache_that_cannot_be_written_is_said_before_building(folder, device, tmp_path):
    (tmp_path / "cache").write_text("a file, no folder")
    tools = device(kill=("int8", "fp16", "fp32"))
    with pytest.raises(EngineError, match=r"engines cannot be kept in .* --cache FOLDER"):
        build_engines(folder, tools, BuildRequest(cache=tmp_path / "cache"))


def test_an_altered_timing_cache_is_passed_over(tmp_path):
    assert pinned_sha256(tmp_path) == ""
    pin(tmp_path, b"measured")
    assert len(pinned_sha256(tmp_path)) == 64
    (tmp_path / NAME).write_bytes(b"altered")
    assert pinned_sha256(tmp_path) == ""


@pytest.mark.parametrize(
    ("end", "told"),
    [("os._exit(3)", "exit code 3 and gave no reason"), ("os.abort()", "ended by SIGABRT")],
)
def test_how_a_building_process_ended_is_said(folder, device, tmp_path, end, told):
    tools = device()
    (tmp_path / "stand_in" / "tensorrt.py").write_text(f"import os; {end}")
    with pytest.raises(EngineError, match=told):
        build_engines(folder, tools, BuildRequest(precision="fp32", cache=tmp_path / "cache"))


def test_a_building_process_with_another_tensorrt_is_refused(folder, device, tmp_path):
    newer = device("10.13.3.9")
    device("10.3.0")
    with pytest.raises(EngineError, match=r"built for TensorRT 10\.3\.0, here is TensorRT 10\.13"):
        build_engines(folder, newer, BuildRequest(precision="fp32", cache=tmp_path / "cache"))
    assert not list((tmp_path / "cache").rglob("*.plan"))


def test_a_graph_that_changes_meanwhile_is_not_built(folder, device, tmp_path):
    (folder.path / "graph.fp32.onnx").write_bytes(b"another")
    with pytest.raises(EngineError, match="was altered while"):
        build_engines(folder, device(), BuildRequest(precision="fp32", cache=tmp_path / "cache"))


BUILD = """
import signal
import sys
from pathlib import Path
from sdk.engines import BuildRequest, build_engines, open_toolkit
from sdk.model_folder import ModelFolder
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
request = BuildRequest(precision="fp32", cache=Path(sys.argv[2]))
build_engines(ModelFolder.open(sys.argv[1]), open_toolkit(), request)
"""


@pytest.mark.parametrize("politely", [True, False])
def test_an_interrupted_build_leaves_nothing_half(folder, device, tmp_path, politely):
    device(wait_s=600.0)
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder.path), str(cache)],
        stderr=subprocess.DEVNULL,
    )
    until(lambda: any("building" in log.read_text() for log in cache.rglob("*.log")))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    worker = children.read_text().split()[0]
    process.send_signal(signal.SIGINT if politely else signal.SIGKILL)
    process.wait(timeout=60)
    until(lambda: ended(worker))
    assert not [name for name in files(cache) if name.endswith((".plan", ".json"))]
    build_engines(folder, device(), BuildRequest(precision="fp32", cache=cache))
    assert not [name for name in files(cache) if "partial" in name]


def until(true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("what was waited for did not happen within a minute")


def ended(process):
    """Gone, or dead and waiting for a parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_sidecar_says_what_was_built(folder, device, tmp_path):
    tools = device("11.4.0.106")
    choice = build_engines(folder, tools, BuildRequest(cache=tmp_path / "cache"))
    assert choice.chosen == "int8"
    assert [step.precision for step in choice.steps] == ["fp16"]
    plan = find_plan(folder, tools.machine(), cache=tmp_path / "cache")
    said = json.loads(plan.path.with_suffix(".json").read_text())
    assert said["graph_sha256"] == folder.manifest.files["graph.int8.onnx"]
    assert said["machine"]["tensorrt"] == "11.4.0.106"
    assert (said["strongly_typed"], said["flags"]) == (True, [])
    assert said["tensors"][0] == {
        "name": "image",
        "is_input": True,
        "dtype": "FLOAT",
        "shape": [1, 1, 8, 8],
    }
