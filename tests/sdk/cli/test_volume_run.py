"""``angioedge run`` on a volume leaves tables, records and pictures."""

import csv
import json

import folders
import numpy as np
import pytest
import volume_folders
from click.testing import CliRunner

import sdk
from sdk.cli import angioedge
from sdk.cli.volume_run import VolumeInput
from sdk.nifti import write_nifti

LESIONS = ((12, 40, 22), (8, 20, 50))


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A folder with a model, SWI, phase and brain mask."""
    folder = tmp_path_factory.mktemp("volume")
    volume_folders.microbleed_folder(folder / "model")
    head = volume_folders.head(*LESIONS)
    for name, voxels in (("swi", head.voxels), ("phase", head.phase), ("brain", head.brain)):
        write_nifti(folder / f"{name}.nii.gz", voxels, head.to_patient)
    return folder


def call(*arguments):
    result = CliRunner().invoke(angioedge, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run(beside, out, *more):
    volume = (beside / "swi.nii.gz", "--phase", beside / "phase.nii.gz")
    brain = ("--brain", beside / "brain.nii.gz")
    return call("run", beside / "model", *volume, *brain, "--out", out, *more)


def test_a_volume_leaves_records_and_pictures(beside, tmp_path):
    result = run(beside, tmp_path)
    assert result.exit_code == 0
    names = {"microbleeds.json", "microbleeds.csv", "microbleeds.png", "overview.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    record = json.loads((tmp_path / "microbleeds.json").read_text())
    found = [bleed["voxel"] for bleed in record["answer"]["microbleeds"]]
    assert len(found) == 2
    for lesion in LESIONS:
        assert any(np.abs(np.subtract(voxel, lesion)).max() < 3 for voxel in found)
    with (tmp_path / "microbleeds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found) + len(record["answer"]["dropped"])


def test_what_is_printed_is_a_summary(beside, tmp_path):
    told = " ".join(run(beside, tmp_path, "--no-pictures").output.split())
    assert "2 microbleeds: 1 lobar, 1 deep, 0 infratentorial" in told
    assert "dropped: a better candidate overlaps it" in told
    assert "tiles searched" in told
    assert "milliseconds per volume, 1 volume, fp32 on onnxruntime-cpu" in told
    assert not list(tmp_path.glob("*.png"))


def test_regions_of_the_whole_brain_are_written_on_the_volumes_grid(beside, tmp_path):
    run(beside, tmp_path, "--no-pictures", "--whole-regions")
    regions, swi = (
        sdk.read_volume(path) for path in (tmp_path / "regions.nii.gz", beside / "swi.nii.gz")
    )
    np.testing.assert_allclose(regions.to_patient, swi.to_patient)
    assert set(np.unique(regions.voxels)) == {0, 1, 2}


def test_the_sign_of_the_phase_can_be_said(beside, tmp_path):
    told = run(beside, tmp_path, "--no-pictures", "--phase-sign", "-1").output
    assert "no microbleeds" in told
    assert "the sign of the phase was flipped: the caller asked for it" in " ".join(told.split())


def test_a_volume_without_phase_is_wrong_usage(beside, tmp_path):
    result = call("run", beside / "model", beside / "swi.nii.gz", "--out", tmp_path)
    assert result.exit_code == 2
    assert "--phase" in result.output


def test_a_series_without_phase_is_refused_when_it_is_read(beside):
    with pytest.raises(sdk.VolumeError, match="holds no phase, which microbleeds"):
        VolumeInput(image=beside / "swi.nii.gz").read()


def test_options_of_volumes_are_wrong_usage_for_frames(beside, tmp_path):
    model = folders.quality_folder(tmp_path / "model").path
    result = call("run", model, beside / "swi.nii.gz", "--whole-regions")
    assert result.exit_code == 2
    assert "answers frames" in result.output


def test_a_volume_that_cannot_be_answered_leaves_its_reason(beside, tmp_path):
    head = volume_folders.head()
    write_nifti(tmp_path / "none.nii.gz", 0 * head.brain, head.to_patient)
    volume = (beside / "swi.nii.gz", "--phase", beside / "phase.nii.gz")
    with pytest.raises(sdk.VolumeError, match="no brain was found"):
        call("run", beside / "model", *volume, "--brain", tmp_path / "none.nii.gz",
             "--out", tmp_path / "out")  # fmt: skip
    record = json.loads((tmp_path / "out" / "microbleeds.json").read_text())
    assert record["status"] == "rejected"


def test_a_volume_that_cannot_be_answered_leaves_nothing_of_the_one_before(beside, tmp_path):
    run(beside, tmp_path, "--whole-regions")
    head = volume_folders.head()
    write_nifti(tmp_path / "none.nii.gz", 0 * head.brain, head.to_patient)
    with pytest.raises(sdk.VolumeError, match="no brain was found"):
        run(beside, tmp_path, "--brain", tmp_path / "none.nii.gz")
    assert {path.name for path in tmp_path.iterdir()} == {"microbleeds.json", "none.nii.gz"}


def test_a_call_that_is_wrong_usage_removes_nothing(beside, tmp_path):
    run(beside, tmp_path, "--no-pictures")
    assert call("run", beside / "model", beside / "swi.nii.gz", "--out", tmp_path).exit_code == 2
    assert (tmp_path / "microbleeds.csv").exists()


def test_a_folder_that_cannot_be_written_is_said(beside, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run(beside, tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_a_mask_of_another_place_is_refused(beside, tmp_path):
    head = volume_folders.head()
    shift = np.zeros((4, 4))
    shift[0, 3] = 3.0
    write_nifti(tmp_path / "moved.nii.gz", head.brain, head.to_patient + shift)
    volume = (beside / "swi.nii.gz", "--phase", beside / "phase.nii.gz")
    with pytest.raises(sdk.VolumeError, match="does not lie on the volume"):
        call("run", beside / "model", *volume, "--brain", tmp_path / "moved.nii.gz")
