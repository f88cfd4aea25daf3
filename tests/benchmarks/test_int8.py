"""The table of INT8 contestants names what is missing and measures the rest."""

import json

import numpy as np
import pytest
from small_nets import branched

from benchmarks import int8, int8_worker, memory
from export.bring_your_own import Description, import_network
from sdk import Frame
from sdk.backends import open_backend
from sdk.errors import ModelFolderError

COPY = """cp "$3" "$6.onnx"
echo '{"graph": "ours.onnx", "seconds": 1.5, "peak_mib": 99}' > "$6.json"
"""
FAIL = "echo \"ModuleNotFoundError: No module named 'modelopt'\" >&2; exit 1"


@pytest.fixture
def folder(tmp_path):
    network = branched(tmp_path / "net.onnx", (48, 48))
    return import_network(network, tmp_path / "model", Description())


@pytest.fixture
def frames():
    random = np.random.default_rng(0)
    return [Frame(pixels=random.integers(0, 4096, (64, 64), np.uint16)) for _ in range(2)]


@pytest.fixture
def held_out(frames):
    """Phantoms without a vessel."""
    return [int8.Phantom(frame=frame, vessels=np.zeros((64, 64), np.uint8)) for frame in frames]


def interpreter(path, body):
    """Stands in for a contestant's Python: a script with the worker's arguments."""
    path.write_text(f"#!/bin/sh\n{body}")
    path.chmod(0o755)
    return str(path)


def test_phantoms_have_contrast_and_are_spread_over_the_run():
    found = int8.phantoms(3, 2, 3, 256)
    assert len(found) == 6
    assert all(phantom.vessels.any() for phantom in found)
    pixels = {phantom.frame.pixels.tobytes() for phantom in found}
    assert len(pixels) == 6


def test_the_absent_are_named_and_the_others_measured(
    folder, frames, held_out, tmp_path, monkeypatch
):
    monkeypatch.setattr(int8, "CONTESTANTS", ("ours", "modelopt"))
    monkeypatch.setattr(int8, "LIBRARIES", {"ours": ("onnxruntime",)})
    interpreters = {
        "ours": interpreter(tmp_path / "copy", COPY),
        "modelopt": interpreter(tmp_path / "fail", FAIL),
    }
    made = int8.quantise(folder, frames, tmp_path, interpreters)
    assert np.load(tmp_path / "frames.npy").shape == (2, 1, 1, 48, 48)
    lines = {
        (line.contestant, line.library): line for line in int8.compare(folder, made, held_out, 1)
    }
    ours = lines["ours", "onnxruntime"]
    assert (ours.dice, ours.same_grade, ours.seconds, ours.peak_mib) == (1.0, None, 1.5, 99)
    assert ours.ms > 0
    fp32 = lines["fp32", "onnxruntime"]
    assert ours.speed == pytest.approx(fp32.ms / ours.ms)
    assert ours.truth == fp32.truth < 1  # a network of random weights sees vessels where none are
    assert lines["modelopt", ""].note.startswith("absent: ModuleNotFoundError")
    table = int8.table(list(lines.values()))
    assert f"| ours | onnxruntime | {ours.speed:.2f} | - | 1.0000 |" in table
    assert table.count("\n") == len(lines) + 1


def test_a_contestant_that_writes_into_its_graph_spoils_no_folder(
    folder, frames, tmp_path, monkeypatch
):
    monkeypatch.setattr(int8, "CONTESTANTS", ("modelopt",))
    spoil = interpreter(tmp_path / "spoil", f'echo spoilt > "$3"\n{FAIL}')
    int8.quantise(folder, frames, tmp_path, {"modelopt": spoil})
    folder.verify()


def test_a_graph_that_loads_without_exact_sums_alone_is_noted(
    folder, held_out, tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise ModelFolderError

    monkeypatch.setattr(int8, "open_backend", refuse)
    with pytest.raises(ModelFolderError):
        int8.open_graph(folder.graph("fp32"), "openvino")
    made = {"onnxruntime": {"graph": folder.graph("fp32")}}
    monkeypatch.setattr(int8, "LIBRARIES", {"onnxruntime": ("onnxruntime",)})
    lines = int8.compare(folder, made, held_out, 1)
    line = next(line for line in lines if line.contestant == "onnxruntime")
    assert line.note.startswith("sums saturate")
    assert line.ms > 0


def test_our_worker_writes_a_graph_that_runs(folder, tmp_path):
    arrays = np.random.default_rng(0).random((3, 1, 1, 48, 48), np.float32)
    np.save(tmp_path / "frames.npy", arrays)
    name = folder.manifest.options["input_name"]
    graph = str(folder.graph("fp32"))
    int8_worker.main("ours", graph, name, str(tmp_path / "frames.npy"), str(tmp_path / "ours"))
    found = json.loads((tmp_path / "ours.json").read_text())
    assert found["peak_mib"] > 10
    assert b"QuantizeLinear" in (tmp_path / found["graph"]).read_bytes()
    backend = open_backend(tmp_path / found["graph"])
    np.copyto(backend.inputs[name], arrays[0])
    backend.run()
    assert np.isfinite(next(iter(backend.outputs.values()))).all()


def test_memory_that_grows_with_the_frames_is_a_failure(folder, monkeypatch, capsys):
    assert memory.measure(folder.path, 2)["peak_mib"] > 10
    monkeypatch.setattr(memory, "_apart", lambda _, n: {"peak_mib": 100 + n / 100, "seconds": n})
    memory.main(["--quick"])
    assert "| 40 | 100 | 40 |" in capsys.readouterr().out
    monkeypatch.setattr(memory, "_apart", lambda _, n: {"peak_mib": 100.0 + n, "seconds": n})
    with pytest.raises(SystemExit, match="1"):
        memory.main(["--quick"])
