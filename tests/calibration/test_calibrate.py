"""``angioedge calibrate`` writes what it measured to agree, and nothing else."""

import base64
import json
import re

import cv2
import numpy as np
import pytest
from calibrating import calibrate, content_of

from calibration import candidate
from calibration.__main__ import main
from calibration.calibrate import advice
from calibration.histogram import Histogram
from calibration.quantisable import multiplications, read_quantisable
from sdk import Frame, Session
from sdk.model_folder import ModelFolder

SIDE_OF_PICTURE = 256


def test_a_session_verifies_and_runs_what_was_written(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    frame = Frame(pixels=np.load(runs[0])[0])
    masks = []
    for precision in ("fp32", "int8", "int8.cpu"):
        with Session(model, precision=precision) as session:
            masks.append(session(frame).require().mask)
    for mask in masks[1:]:
        assert np.mean(mask == masks[0]) > 0.95
    calibration = ModelFolder.open(model).manifest.origin["calibration"]
    assert calibration["certified"]
    assert calibration["frames"]["count"] + calibration["held_out"]["count"] == 9


def test_where_frames_are_few_the_held_out_ones_come_first(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--count", "4000") == 0
    calibration = ModelFolder.open(model).manifest.origin["calibration"]
    given = sum(len(np.load(run)) for run in runs)
    assert calibration["held_out"]["count"] == 3
    assert calibration["frames"]["count"] == given - 3


def test_it_says_how_much_is_int8(model, runs, capsys):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    said = capsys.readouterr().err
    (share,) = re.findall(r"(\d+)% of the multiplications are INT8\n", said)
    graph = read_quantisable(model / "graph.fp32.onnx")
    decisions = json.loads((model / "calibration_report.json").read_text())["decisions"]
    names = {item["node"] for item in decisions if item["int8"]}
    parts = [multiplications(graph, [node.index]) for node in graph.nodes if node.name in names]
    everything = multiplications(graph, range(len(graph.nodes)))
    assert int(share) == round(100 * sum(parts) / everything), said


def test_the_report_says_what_was_decided_and_measured(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    ranges = json.loads((model / "ranges.json").read_text())
    assert ranges["data_sha256"] == report["frames"]["sha256"]
    assert set(ranges["tensors"]) == set(report["tensors"])
    assert {item["node"]: item["int8"] for item in report["decisions"]}["fused"]
    assert all(item["reason"] for item in report["decisions"])
    used, held = report["calibration_frames"], report["held_out_frames"]
    assert len(used) == 6
    assert not set(used) & set(held)
    assert set(report["output_signal_over_noise_db"]) == {"minmax", "percentile", "mse", "entropy"}


def test_the_twin_for_openvino_rounds_what_integers_read_alone(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    both = set(json.loads((model / "ranges.json").read_text())["tensors"])
    assert calibrate(model, runs, "--min-dice", "0.9", "--x86", "openvino") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["x86"] == "openvino"
    assert set(report["tensors"]) < both
    with Session(model, precision="int8.cpu") as session:
        assert session(Frame(pixels=np.load(runs[0])[0])).require().mask.any()


def test_an_exact_twin_is_told_so_in_the_report(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--x86", "exact") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["x86"] == "exact"
    assert report["agreement"]["int8.cpu against int8"]["same_pixels"] >= 0.9999


def test_the_page_pictures_what_both_answer(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--examples", "2") == 0
    page = (model / "calibration_report.html").read_text()
    worst = min(json.loads((model / "calibration_report.json").read_text())["agreement"]
                [f"{name} against fp32"]["dice_min"] for name in ("int8", "int8.cpu"))  # fmt: skip
    assert f"least Dice {worst:.4f}" in page
    pictures = re.findall(r'base64,([^"]+)"', page)
    assert 1 <= len(pictures) <= 2
    for encoded in pictures:
        content = np.frombuffer(base64.b64decode(encoded), np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
        assert picture.shape[1] == 3 * SIDE_OF_PICTURE
        assert picture.std() > 10


def test_a_report_without_pictures_of_patients(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--examples", "0") == 0
    assert "base64" not in (model / "calibration_report.html").read_text()


def test_typed_forms_answer_as_fp32_and_are_typed(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["agreement"]["fp16 against fp32"]["dice_mean"] > 0.99
    assert report["agreement"]["int8.fp16 against fp32"]["dice_mean"] > 0.9
    assert report["forms_left_out"] == {}
    with Session(model, precision="fp16") as session:
        assert session(Frame(pixels=np.load(runs[0])[0])).answer is not None


def test_typed_forms_are_left_out_where_nobody_asks(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--no-typed") == 0
    assert set(ModelFolder.open(model).manifest.graphs) == {"fp32", "int8", "int8.cpu"}
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["forms_left_out"] == {"fp16": "not asked for", "int8.fp16": "not asked for"}


def test_the_same_input_gives_the_same_bytes(model, runs, tmp_path):
    for name in ("a", "b"):
        assert calibrate(model, runs, "--min-dice", "0.9", "--out", str(tmp_path / name)) == 0
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")


def test_outside_the_tolerance_nothing_is_written(model, runs, capsys):
    before = content_of(model)
    assert calibrate(model, runs, "--min-dice", "1") == 1
    assert content_of(model) == before
    said = capsys.readouterr().err
    assert "outside the tolerance: int8: mean Dice 0." in said
    assert "Nothing was written" in said


@pytest.mark.parametrize(
    ("shortfalls", "said"),
    [
        (["int8.fp16: mean Dice 0.9, expected 0.98"], "--no-typed writes the others"),
        (["int8.fp16: mean Dice 0.9", "int8: mean Dice 0.9"], "--keep-float"),
    ],
)
def test_a_typed_form_that_falls_short_alone_can_be_left_out(shortfalls, said):
    assert said in advice(shortfalls)


def test_force_writes_and_marks(model, runs):
    assert calibrate(model, runs, "--min-dice", "1", "--force") == 0
    assert not ModelFolder.open(model).manifest.origin["calibration"]["certified"]
    assert not json.loads((model / "calibration_report.json").read_text())["certified"]
    with Session(model, precision="int8.cpu") as session:
        assert session(Frame(pixels=np.load(runs[0])[0])).answer is not None


def test_per_tensor_is_never_further_from_fp32_than_one_method_for_all(model, runs, tmp_path):
    out = tmp_path / "out"
    assert calibrate(model, runs, "--ranges", "per-tensor", "--force", "--out", str(out)) == 0
    found = json.loads((out / "calibration_report.json").read_text())["output_signal_over_noise_db"]
    best = found.pop("per_tensor")
    assert best >= max(found.values())


def test_ranges_go_out_to_tensorrt_and_come_back(model, runs, tmp_path):
    cache, more = str(tmp_path / "cache.txt"), ("--force", "--ranges", "minmax")
    assert calibrate(model, runs, *more, "--save-cache", cache, "--out", str(tmp_path / "a")) == 0
    assert calibrate(
        model, runs, "--force", "--ranges", "entropy", "--load-cache", cache,
        "--out", str(tmp_path / "b"),
    ) == 0  # fmt: skip
    a, b = (json.loads((tmp_path / name / "ranges.json").read_text()) for name in "ab")
    for name, item in a["tensors"].items():
        assert b["tensors"][name]["limit"] == pytest.approx(item["limit"], rel=1e-6)
        assert b["tensors"][name]["method"] == "loaded"


def test_a_cache_of_another_network_is_refused(model, runs, tmp_path, capsys):
    (tmp_path / "cache.txt").write_text("TRT-8601-MinMaxCalibration\nelse: 3c010a14\n")
    assert calibrate(model, runs, "--load-cache", str(tmp_path / "cache.txt")) == 1
    assert "belongs to another network" in capsys.readouterr().err


def test_held_out_runs_may_be_others(model, runs):
    assert calibrate(model, runs[:1], "--held-out", runs[1], "--force") == 0
    report = json.loads((model / "calibration_report.json").read_text())
    assert {label.split(",")[0] for label in report["held_out_frames"]} == {"run1.npy"}
    assert {label.split(",")[0] for label in report["calibration_frames"]} == {"run0.npy"}


def test_held_out_runs_must_be_others(model, runs, capsys):
    """Also where other frames of them would be picked, as by other counts."""
    for held_out in (runs, runs[1:]):
        more = ("--held-out-count", "4", "--held-out", *held_out)
        assert calibrate(model, runs, *more) == 1
        told = " ".join(capsys.readouterr().err.split())
        assert f"{len(held_out)} held-out runs are among those of --frames" in told


def test_an_interrupted_calibration_goes_on_where_it_was(model, runs, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    resume = ("--force", "--resume", str(tmp_path / "kept"))
    with monkeypatch.context() as patch:
        patch.setattr(candidate, "Trial", interrupt)
        assert calibrate(model, runs, *resume) == 130
    counted = []
    count = Histogram.count
    monkeypatch.setattr(Histogram, "count", lambda *a: (counted.append(a), count(*a)))
    assert calibrate(model, runs, *resume, "--out", str(tmp_path / "a")) == 0
    assert counted == []
    assert calibrate(model, runs, "--force", "--out", str(tmp_path / "b")) == 0
    assert counted
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")


def test_other_frames_do_not_go_on_from_what_was_kept(model, runs, tmp_path, monkeypatch):
    resume = ("--force", "--resume", str(tmp_path / "kept"))
    assert calibrate(model, runs, *resume, "--out", str(tmp_path / "a")) == 0
    counted = []
    count = Histogram.count
    monkeypatch.setattr(Histogram, "count", lambda *a: (counted.append(a), count(*a)))
    assert calibrate(model, runs[:1], *resume, "--out", str(tmp_path / "b")) == 0
    assert counted


def test_the_report_says_what_was_tried(model, runs, tmp_path):
    for name, more in (("all", ()), ("none", ("--recover",)), ("one", ("--recover", "bias"))):
        out = tmp_path / name
        strict = ("--min-dice", "1", "--force", "--out", str(out), "--ranges", "minmax")
        assert calibrate(model, runs, *strict, *more) == 0
        report = json.loads((out / "calibration_report.json").read_text())
        steps = [item["step"] for item in report["recovery"]]
        expected = {
            "all": ["none", "equalise", "bias", "float"],
            "none": [],
            "one": ["none", "bias"],
        }
        assert steps == expected[name]
        assert all(0 <= item["clipped"] <= 1 for item in report["tensors"].values())


def test_a_wrong_call_is_2(capsys):
    for arguments in ([], ["unknown"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    with pytest.raises(SystemExit, match="2"):
        main(["calibrate"])
    assert "usage" in capsys.readouterr().err
