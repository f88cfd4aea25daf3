"""The command line does what it says and exits 0, 1 or 2."""

import json

import folders
import networks
import numpy as np
import pytest
from click.testing import CliRunner
from xa_files import xa_file

from sdk.cli import angioedge
from sdk.dicom.write_xa import XaInfo, write_xa
from sdk.errors import AngioEdgeError
from sdk.model_folder import ModelFolder

ORIGIN = {
    "held_out": {
        "dice": {"value": 0.81549, "low": 0.79858, "high": 0.83244},
        "grades": [1, 2.34567],
        "confusion": [[1, 2], [3, 4]],
        "recipe": {"steps": 3, "seed": 7},
        "reports": [{"crops": 240}],
        "nothing": {},
    }
}


@pytest.fixture
def model(tmp_path):
    return str(folders.quality_folder(tmp_path / "model").path)


@pytest.fixture
def angiogram(tmp_path):
    path = tmp_path / "run.dcm"
    noise = np.random.default_rng(0).integers(0, 30, (5, 128, 128)).astype(np.uint16)
    write_xa(
        path,
        folders.dark_square()[None] + noise,
        XaInfo(frame_times_ms=tuple(100.0 * i for i in range(5))),
    )
    return str(path)


def call(*arguments):
    result = CliRunner().invoke(angioedge, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told_wide(*arguments):
    return CliRunner().invoke(angioedge, arguments, env={"COLUMNS": "300"}).output


def test_run_leaves_answers_and_pictures(model, angiogram, tmp_path):
    out = tmp_path / "out"
    result = call("run", model, angiogram, "--out", str(out))
    assert result.exit_code == 0
    assert str(out) in result.output.replace("\n", "")
    names = {"contact_sheet.png", "outcomes.json", "overlay.webm", "timeline.png"}
    assert {path.name for path in out.iterdir()} == names
    assert len(json.loads((out / "outcomes.json").read_text())["frames"]) == 5


def test_run_answers_every_run_of_a_folder_into_a_folder_of_its_own(model, tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "out"
    runs.mkdir()
    image = folders.dark_square().astype(np.uint16)
    np.save(runs / "a.npy", np.stack([image] * 3))
    np.save(runs / "b.npy", image)
    result = call("run", model, str(runs), "--out", str(out), "--no-pictures")
    assert result.exit_code == 0
    frames = {
        path.parent.name: len(json.loads(path.read_text())["frames"])
        for path in out.glob("*/outcomes.json")
    }
    assert frames == {"001-a": 3, "002-b": 1}


def test_run_without_pictures_leaves_answers(model, angiogram, tmp_path):
    call("run", model, angiogram, "--out", str(tmp_path / "out"), "--no-pictures")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["outcomes.json"]


def test_profile_counts_misses_of_an_impossible_deadline(model):
    arguments = ("--size", "64", "--fps", "200", "--frames", "20", "--json")
    result = call("profile", model, *arguments, "--deadline-ms", "0.1")
    report = json.loads(result.output)
    assert report["pacing"]["misses"] == 20
    assert report["latency_ms"]["inference"]["frames"] == 20
    assert report["pacing"]["stage_misses"]["total"] == 20


def test_profile_of_what_is_not_answered_is_no_success(model, tmp_path):
    np.save(tmp_path / "black.npy", np.zeros((2, 64, 64), np.uint16))
    black = ("--angiogram", str(tmp_path / "black.npy"), "--frames", "3", "--fps", "200")
    with pytest.raises(AngioEdgeError, match=r"none of 3 frames was answered; the first: .+"):
        call("profile", model, *black)


def test_profile_counts_what_is_not_answered(model, tmp_path):
    pixels = np.stack([folders.dark_square()] * 2)
    pixels[1] = 0
    np.save(tmp_path / "half.npy", pixels)
    half = ("--angiogram", str(tmp_path / "half.npy"), "--frames", "6", "--fps", "200")
    assert json.loads(call("profile", model, *half, "--json").output)["pacing"]["unanswered"] == 3
    pacing = json.loads(call("profile", model, *half, "--deadline-ms", "0.1", "--json").output)
    assert pacing["pacing"]["misses"] == 3
    assert "3 frames have no answer; the first: " in call("profile", model, *half).output


def test_a_size_is_not_for_a_recording(model, angiogram):
    result = call("profile", model, "--angiogram", angiogram, "--size", "64")
    assert result.exit_code == 2
    assert "leave it out for a recording" in result.output


def test_profile_live_drops_what_comes_too_late(model, angiogram):
    arguments = ("--frames", "12", "--fps", "1000", "--live", "--json")
    report = json.loads(call("profile", model, *arguments, "--deadline-ms", "60000").output)
    answered = report["latency_ms"]["inference"]["frames"]
    assert 1 <= answered <= 12
    assert report["pacing"]["unanswered"] == 12 - answered
    assert report["pacing"]["misses"] == 0
    said = call("profile", model, "--angiogram", angiogram, *arguments[:-1]).output
    assert "12 frames offered at 1000 per second" in said


def test_profile_repeats_a_single_frame_as_runs_of_their_own(tmp_path):
    """A task that remembers its run would take it for the same frame again."""
    arteries = folders.artery_folder(tmp_path / "arteries").path
    one = xa_file(tmp_path, np.random.default_rng(0).integers(900, 1100, (1, 64, 64), np.uint16))
    asked = ("--angiogram", str(one), "--frames", "3", "--fps", "100")
    result = call("profile", str(arteries), *asked)
    assert result.exit_code == 0
    assert "no answer" not in result.output


def test_profile_repeats_a_recorded_run(model, angiogram):
    result = call("profile", model, "--angiogram", angiogram, "--frames", "7", "--fps", "100")
    assert result.exit_code == 0
    assert "7 frames offered at 100 per second" in " ".join(result.output.split())


def test_info_shows_the_verified_manifest(model):
    assert json.loads(call("info", model, "--json").output)["task"] == "angiogram_quality"
    assert "graph.fp32.onnx" in call("info", model).output


def test_info_is_read_by_people(tmp_path):
    folder = folders.quality_folder(tmp_path / "model", origin=ORIGIN)
    told = call("info", str(folder.path)).output
    assert "dice: 0.8155 (0.7986 to 0.8324)" in told
    assert "grades: 1, 2.346" in told
    assert "confusion: 1, 2; 3, 4" in told
    assert "recipe: 2 entries, see --json" in told
    assert "reports: 1 entries, see --json" in told
    assert "{" not in told


def test_doctor_knows_what_this_machine_has():
    findings = {row["what"]: row for row in json.loads(call("doctor", "--json").output)}
    assert findings["ONNX Runtime"]["state"] == "ok"
    assert findings["kernels"]["state"] == "ok"
    assert findings["DICOM JPEG Lossless"]["state"] == "ok"
    assert all(row["todo"] for row in findings.values() if row["state"] != "ok")


def test_import_makes_a_folder_that_runs(tmp_path, angiogram):
    network = networks.darkness(tmp_path / "network.onnx")
    out = str(tmp_path / "imported")
    arguments = ("import", str(network), "--task", "segmentation", "--out", out)
    assert call(*arguments).exit_code == 0
    assert call("run", out, angiogram, "--out", str(tmp_path / "out")).exit_code == 0


def test_import_of_nonsense_exits_with_1(tmp_path):
    network = tmp_path / "network.onnx"
    network.write_bytes(b"nonsense")
    out = str(tmp_path / "imported")
    assert call("import", str(network), "--task", "segmentation", "--out", out).exit_code == 1


def test_calibrate_passes_its_arguments_on(tmp_path):
    """A wrong call is told apart from a refusal, and both by the workstation's own command."""
    assert call("calibrate", "--nonsense").exit_code == 2
    assert call("calibrate", str(tmp_path), "--frames", str(tmp_path)).exit_code == 1


def test_what_the_sdk_refuses_is_one_sentence(tmp_path, capsys, monkeypatch):
    from sdk import cli

    monkeypatch.setattr("sys.argv", ["angioedge", "info", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("angioedge: ")
    assert "Traceback" not in error


def test_a_damaged_folder_is_refused(model, angiogram, tmp_path):
    (tmp_path / "model" / "graph.fp32.onnx").write_bytes(b"")
    with pytest.raises(AngioEdgeError, match="altered"):
        call("run", model, angiogram)


@pytest.mark.parametrize("arguments", [("run",), ("dance",), ("run", "nowhere", "nothing")])
def test_wrong_usage_exits_with_2(arguments):
    assert call(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["import", "export", "train", "calibrate", "lint"])
def test_every_command_of_the_workstation_has_a_short_help(command):
    assert call(command, "-h").exit_code == 0


def test_what_is_to_be_tried_can_be_pasted(tmp_path):
    model = folders.quality_folder(tmp_path / "my model").path
    assert f"run '{model}' RUN.dcm" in "".join(told_wide("info", str(model)))


def test_ctrl_c_is_an_exit_code_of_its_own(capsys, monkeypatch, tmp_path):
    from sdk import cli

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelFolder, "open", interrupted)
    monkeypatch.setattr("sys.argv", ["angioedge", "info", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 130
    assert capsys.readouterr().err.split("\n")[-2:] == ["angioedge: interrupted", ""]


def test_lint_passes_its_exit_code_on(tmp_path):
    network = str(networks.darkness(tmp_path / "network.onnx"))
    assert call("lint", network, "--target", "ort-x86").exit_code == 0
    assert call("lint", network, "--target", "toaster").exit_code == 2


def test_the_workstation_says_what_it_lacks(tmp_path, monkeypatch):
    needs = {"calibration": ("json", "no_such_package")}
    monkeypatch.setattr("sdk.cli.workstation.NEEDS", needs)
    outcome = call("lint", str(tmp_path / "network.onnx"), "--target", "ort-x86")
    assert outcome.exit_code == 1
    assert "no_such_package is missing here: run 'make setup'" in outcome.output
