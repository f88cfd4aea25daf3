"""Every command does something sensible on a model folder that answers volumes."""

import json
from importlib import import_module

import pytest
import stand_in_gpu
import volume_folders
from click.testing import CliRunner

import sdk
from sdk.acceptance import read_certificate
from sdk.cli import angioedge
from sdk.nifti import write_nifti


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    return volume_folders.microbleed_folder(tmp_path_factory.mktemp("model")).path


def call(*arguments):
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(angioedge, words, env={"COLUMNS": "300"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*arguments):
    return " ".join(call(*arguments).output.split())


def test_info_shows_both_graphs_and_how_to_try_them(unchanged):
    said = told("info", unchanged)
    assert "detector.fp32: detector.fp32.onnx" in said
    assert "SWI --phase PHASE" in said


def test_doctor_looks_for_what_nifti_needs():
    findings = {row["what"]: row for row in json.loads(call("doctor", "--json").output)}
    assert findings["NIfTI volumes"]["state"] == "ok"


def test_profile_says_what_a_volume_a_tile_and_a_patch_cost(unchanged, tmp_path):
    head = volume_folders.head((12, 40, 30))
    for name, voxels in (("swi", head.voxels), ("phase", head.phase)):
        write_nifti(tmp_path / f"{name}.nii.gz", voxels, head.to_patient)
    volume = ("--swi", tmp_path / "swi.nii.gz", "--phase", tmp_path / "phase.nii.gz")
    report = json.loads(call("profile", unchanged, *volume, "--volumes", 2, "--json").output)
    assert report["latency_ms"]["detect"]["frames"] == 2
    assert report["steps_ms"]["detect"]["steps"] == 2 * report["tiles"]
    assert report["steps_ms"]["localise"]["steps"] == 2 * report["microbleeds"] == 2
    assert report["steps_ms"]["detect"]["p50"] > 0
    assert report["peak_mib"] > 50


def test_profile_makes_up_a_head_and_prints_tables(unchanged):
    said = told("profile", unchanged, "--size", 64)
    assert "milliseconds per volume, 1 volume" in said
    assert "tile, detector" in said
    assert "peak memory of the process" in said


def test_options_of_the_other_kind_are_wrong_usage(unchanged):
    assert call("profile", unchanged, "--fps", 5).exit_code == 2
    assert "--deadline-ms is not for it" in told("profile", unchanged, "--deadline-ms", 5)


def test_phase_alone_is_wrong_usage(unchanged, tmp_path):
    (tmp_path / "phase.nii").touch()
    result = call("profile", unchanged, "--phase", tmp_path / "phase.nii")
    assert result.exit_code == 2
    assert "with --swi" in result.output


def test_qualify_gives_each_network_its_verdict(unchanged, tmp_path):
    out = tmp_path / "verdict.json"
    result = call("qualify", unchanged, "--backend", "onnxruntime", "--out", out, "--json")
    assert result.exit_code == 0
    records = json.loads(result.output)
    assert set(records["detector"]["differences"]) == {"logits", "offsets"}
    assert records["detector"]["agreements"] == {"same_bleeds": {"found": 1.0, "limit": 0.98}}
    assert records["regions"]["agreements"]["same_regions"]["found"] == 1.0
    for name in records:
        assert read_certificate(tmp_path / f"verdict.{name}.json").passed
    said = told("qualify", unchanged, "--backend", "onnxruntime")
    assert "detector, onnxruntime-cpu beside onnxruntime-cpu FP32, 1 golden input" in said


def test_a_network_that_fails_fails_the_folder(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path / "model")
    path = folder.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["golden"]["answers"] = {"same_regions": 1.1}
    path.write_text(json.dumps(manifest))
    result = call("qualify", folder.path, "--backend", "onnxruntime", "--json")
    assert result.exit_code == 1
    records = json.loads(result.output)
    assert records["detector"]["passed"]
    assert records["regions"]["shortfalls"] == ["same_regions is 1.0, expected at least 1.1"]


def test_tune_records_each_network_and_sessions_run_it(tmp_path, monkeypatch):
    command = import_module("sdk.cli.tune")
    monkeypatch.setattr(command, "LIBRARIES", ("onnxruntime",))
    monkeypatch.setattr(command, "cores", lambda: 1)
    model = volume_folders.microbleed_folder(tmp_path / "model").path
    records = json.loads(call("tune", model, "--rounds", 1, "--frames", 2, "--json").output)
    assert set(records) == {"detector", "regions"}
    for name, record in records.items():
        assert json.loads((model / f"tuned.{name}.json").read_text()) == record
        assert record["chosen"]["threads"] == 1
    assert told("info", model).count("Sessions on this machine run it.") == 2
    with sdk.VolumeSession(model) as session:
        assert session.notes == ()


@pytest.mark.slow
def test_engines_of_both_networks_are_built_certified_and_run(tmp_path, monkeypatch):
    (tmp_path / "gpu").mkdir()
    stand_in_gpu.install(tmp_path / "gpu", monkeypatch)
    model, cache = volume_folders.microbleed_folder(tmp_path / "model").path, tmp_path / "engines"
    engine = sdk.TensorRT(cache=cache)
    with pytest.raises(sdk.EngineError, match="angioedge build"):
        sdk.VolumeSession(model, backend=engine)
    built = call("build", model, "--cache", cache)
    assert built.exit_code == 0
    assert len(list(cache.glob("*/*.certificate.json"))) == 2
    volume = volume_folders.head((12, 40, 30))
    with sdk.VolumeSession(model, backend=engine) as session:
        outcome = session(volume)
    with sdk.VolumeSession(model) as session:
        expected = session(volume)
    assert outcome.backend.startswith("tensorrt-")
    assert [b.voxel for b in outcome.require().microbleeds] == [
        b.voxel for b in expected.require().microbleeds
    ]
