"""``angioedge calibrate`` on a folder whose network follows runs."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from calibrating import calibrate, content_of
from small_nets import streaming

from sdk import Frame, Session
from sdk.golden import Golden, pack_golden
from sdk.model_folder import Manifest, ModelFolder, write_folder

SIDE = 64
STATES = ("hidden", "highest")


def golden_run(content):
    """Three frames and what the graph answers, as one run."""
    session = onnxruntime.InferenceSession(content)
    states = {f"{name}_in": np.zeros((1, 16, SIDE, SIDE), np.float32) for name in STATES}
    pairs = []
    for index in range(3):
        frame = np.random.default_rng(index).normal(0, 0.5, (1, 1, SIDE, SIDE)).astype(np.float32)
        arteries, filled, *after = session.run(None, {"frame": frame, **states})
        states = dict(zip(states, after, strict=True))
        pairs.append(({"frame": frame}, {"arteries": arteries, "filled": filled}))
    return pairs


@pytest.fixture
def model(tmp_path):
    content = streaming(tmp_path / "net.onnx", (SIDE, SIDE)).read_bytes()
    manifest = Manifest(
        task="artery_sequence",
        options={"size": [SIDE, SIDE], "min_tree_fraction": 0.0, "state_names": STATES},
        graphs={"fp32": "graph.fp32.onnx"},
        golden=Golden(),
    )
    files = {"graph.fp32.onnx": content, "golden.npz": pack_golden(golden_run(content))}
    return write_folder(tmp_path / "model", manifest, files).path


@pytest.fixture
def runs(tmp_path):
    random, paths = np.random.default_rng(3), []
    for number in range(4):
        coarse = random.integers(0, 3000, (3, 8, 8)).repeat(8, axis=1).repeat(8, axis=2)
        frames = (coarse + random.integers(0, 900, coarse.shape)).astype(np.uint16)
        paths.append(tmp_path / f"run{number}.npy")
        np.save(paths[-1], frames)
    return [str(path) for path in paths]


def test_a_session_follows_runs_with_every_graph(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    frames = [Frame(pixels=pixels, index=i) for i, pixels in enumerate(np.load(runs[0]))]
    last = {}
    for precision in ("fp32", "int8", "int8.cpu"):
        with Session(model, precision=precision) as session:
            *_, last[precision] = [outcome.require() for outcome in session.stream(frames)]
    for precision in ("int8", "int8.cpu"):
        assert last[precision].frames == 3
        assert np.mean(last[precision].vessels.mask == last["fp32"].vessels.mask) > 0.95


def test_it_is_judged_after_whole_runs_that_gave_no_range(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    seen, held_out = (
        {label.split(",")[0] for label in report[name]}
        for name in ("calibration_frames", "held_out_frames")
    )
    assert seen
    assert held_out
    assert not seen & held_out
    found = report["agreement"]["int8 against fp32"]
    assert found["runs"] == len(held_out)
    assert found["frames"] == 3 * len(held_out)
    assert 0.9 <= found["dice_after_run_mean"] <= 1
    assert 0.9 <= found["filled_dice_mean"] <= 1


def test_a_run_that_ends_apart_is_outside_the_tolerance(model, runs, capsys):
    before = content_of(model)
    assert calibrate(model, runs, "--min-dice", "1") == 1
    assert "outside the tolerance: int8: mean Dice after each run 0." in capsys.readouterr().err
    assert content_of(model) == before


def test_states_keep_their_floats_unless_asked(model, runs, tmp_path):
    floats = ("--force", "--recover", "--out", str(tmp_path / "floats"))
    assert calibrate(model, runs, *floats) == 0
    integers = ("--force", "--recover", "--int8-states", "--out", str(tmp_path / "integers"))
    assert calibrate(model, runs, *integers) == 0
    reports = [
        json.loads((tmp_path / name / "calibration_report.json").read_text())
        for name in ("floats", "integers")
    ]
    counted = [
        sum(item["int8"] for item in report["decisions"] if item["op"] == "Conv")
        for report in reports
    ]
    assert counted[0] < counted[1]
    assert "recurrent" in json.dumps(reports[0]["decisions"])
    assert "recurrent" not in json.dumps(reports[1]["decisions"])
    graph = onnx.load(tmp_path / "floats" / "graph.int8.onnx").graph
    reads = {node.name: list(node.input) for node in graph.node}
    assert reads["memory"][0] == "hidden_in"


def test_one_run_is_refused(model, runs, capsys):
    assert calibrate(model, runs[:1]) == 1
    assert "one run cannot give ranges and be held out too" in capsys.readouterr().err
    assert "int8" not in ModelFolder.open(model).manifest.graphs


@pytest.mark.parametrize("more", [(), ("--ranges", "minmax")])
def test_the_same_runs_give_the_same_bytes(model, runs, tmp_path, more):
    for name in ("a", "b"):
        out = ("--force", "--out", str(tmp_path / name))
        assert calibrate(model, runs, *more, *out) == 0
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")
