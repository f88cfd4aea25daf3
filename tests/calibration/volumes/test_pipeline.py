"""``angioedge calibrate`` on a folder that answers volumes, judged by its bleeds."""

import json

import onnx
import pytest
import volume_folders
from calibrating import content_of
from cohorts import LESIONS, write_cohort

import sdk
from calibration import candidate
from calibration.__main__ import main
from calibration.folder import NETWORKS
from calibration.volumes import pipeline
from sdk.model_folder import ModelFolder, write_folder


def calibrate(model, *inputs, more=()):
    few = ["--count", "6", "--threads", "1", *more]
    return main(["calibrate", str(model), "--frames", *inputs, *few])


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """A calibrated folder; whoever changes it makes one of their own."""
    place = tmp_path_factory.mktemp("calibrated")
    model = volume_folders.microbleed_folder(place / "model", volume_folders.DEEP).path
    cohort = write_cohort(place / "cohort", LESIONS)
    assert calibrate(model, cohort, more=("--out", str(place / "out"))) == 0
    return place / "out"


@pytest.mark.parametrize("precision", ["int8", "int8.cpu"])
def test_a_session_finds_the_same_bleeds(calibrated, precision):
    head = volume_folders.head(*LESIONS["ann"])
    answers = []
    for name in ("fp32", precision):
        with sdk.VolumeSession(calibrated, precision=name, threads=1) as session:
            answers.append(session(head).require())
    expected, got = ([(b.voxel, b.region) for b in answer.microbleeds] for answer in answers)
    assert len(got) == len(LESIONS["ann"])
    assert sorted(got) == sorted(expected)


def test_the_convolutions_in_volumes_are_integers_in_both_forms(calibrated):
    for network in NETWORKS:
        for precision in ("int8", "int8.cpu"):
            graph = onnx.load(calibrated / f"{network}.{precision}.onnx").graph
            made = {name: node for node in graph.node for name in node.output}
            reads = made["middle"].input[:2]
            assert [made[name].op_type for name in reads] == ["DequantizeLinear"] * 2


def test_thresholds_stand_beside_their_precision(calibrated):
    manifest = ModelFolder.open(calibrated).manifest
    assert set(manifest.precision_options) == {"int8", "int8.cpu", "int8.fp16"}
    said = manifest.origin["calibration"]["threshold"]
    for precision, options in manifest.precision_options.items():
        assert options == {"threshold": said[precision]}
        assert 0.25 <= said[precision] < 1.0


def test_it_is_judged_by_bleeds_of_subjects_that_gave_no_range(calibrated):
    report = json.loads((calibrated / "calibration_report.json").read_text())
    assert report["certified"]
    assert report["bleeds"] == "the bleeds of lesions.csv"
    held_out = set(report["held_out_frames"])
    seen = {label.split(",")[0] for label in report["calibration_frames"]}
    assert held_out
    assert held_out | seen == set(LESIONS)
    assert not held_out & seen
    for precision in ("int8", "int8.cpu"):
        found = report["agreement"][f"{precision} against fp32"]
        assert found["lesions"] == sum(len(LESIONS[name]) for name in held_out)
        assert found["sensitivity"] == found["sensitivity_of_fp32"] == 1.0
        assert found["false_positives"] <= found["false_positives_of_fp32"] + 0.1


def test_nothing_of_a_detector_is_clipped_and_every_tensor_says_so(calibrated):
    tensors = json.loads((calibrated / "calibration_report.json").read_text())["tensors"]
    detector = {name: item for name, item in tensors.items() if name.startswith("detector: ")}
    assert {item["method"] for item in detector.values()} == {"minmax"}
    assert {item["clipped"] for item in detector.values()} == {0.0}
    assert all("clipped" in item for item in tensors.values())
    for network in NETWORKS:
        ranges = json.loads((calibrated / f"{network}.ranges.json").read_text())
        assert {f"{network}: {name}" for name in ranges["tensors"]} <= set(tensors)


def test_the_page_is_written(calibrated):
    page = (calibrated / "calibration_report.html").read_text()
    assert "detector: middle" in page
    assert "regions: middle" in page


def test_calibrating_again_replaces_what_was_written(calibrated, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", LESIONS)
    assert calibrate(calibrated, cohort, more=("--out", str(tmp_path / "again"))) == 0
    assert content_of(tmp_path / "again") == content_of(calibrated)


def test_an_interrupted_calibration_goes_on_where_it_was(calibrated, model, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    cohort = write_cohort(tmp_path / "cohort", LESIONS)
    resume = ("--resume", str(tmp_path / "kept"), "--out", str(tmp_path / "out"))
    with monkeypatch.context() as patch:
        patch.setattr(candidate, "Trial", interrupt)
        assert calibrate(model, cohort, more=resume) == 130
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npz")}
    assert kept
    assert calibrate(model, cohort, more=resume) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert content_of(tmp_path / "out") == content_of(calibrated)


def test_without_a_table_the_finds_of_fp32_are_the_bleeds(model, tmp_path):
    cohort = write_cohort(tmp_path / "unlabelled", ["ann", "bob"], lesions=False)
    assert calibrate(model, cohort) == 0
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["bleeds"] == "what FP32 finds above 0.5"
    found = report["agreement"]["int8 against fp32"]
    assert found["lesions"] == found["found_by_fp32"] == len(LESIONS[report["held_out_frames"][0]])


def test_subjects_without_a_bleed_are_refused(model, tmp_path, capsys):
    before = content_of(model)
    cohort = write_cohort(tmp_path / "healthy", ["eva", "max"])
    assert calibrate(model, cohort, more=("--force",)) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "there is no bleed in 1 subjects (the bleeds of lesions.csv)" in said
    assert content_of(model) == before


def test_one_subject_is_refused(model, tmp_path, capsys):
    assert calibrate(model, write_cohort(tmp_path / "one", ["ann"])) == 1
    assert "one subject cannot give ranges and be held out too" in capsys.readouterr().err


def test_frames_are_refused(model, tmp_path, capsys):
    (tmp_path / "frames").mkdir()
    assert calibrate(model, str(tmp_path / "frames")) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "expected folders with subjects.csv" in said


def test_a_network_that_cannot_be_quantised_is_refused_before_subjects_are_read(
    model, cohort, monkeypatch, capsys
):
    network = onnx.load(model / "regions.fp32.onnx")
    network.opset_import[0].version = 12
    folder = ModelFolder.open(model)
    files = {name: (model / name).read_bytes() for name in folder.manifest.files}
    files["regions.fp32.onnx"] = network.SerializeToString()
    write_folder(model, folder.manifest, files)
    monkeypatch.setattr(pipeline, "open_subjects", None)
    before = content_of(model)
    assert calibrate(model, cohort, more=("--force",)) == 1
    assert "has opset 12, expected 13 to 17" in " ".join(capsys.readouterr().err.split())
    assert content_of(model) == before


def test_an_interruption_leaves_the_folder_alone(model, cohort, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = content_of(model)
    monkeypatch.setattr(candidate, "collect", interrupt)
    assert calibrate(model, cohort) == 130
    assert content_of(model) == before
