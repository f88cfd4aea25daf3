"""``angioedge run --structured-report`` writes a report beside the answers, or says why not."""

import folders
import mr_files
import numpy as np
import pydicom
import pytest
import reports
import volume_folders
from click.testing import CliRunner
from xa_files import damage, xa_file

import sdk
from sdk.cli import angioedge
from sdk.dicom.write_xa import TransferSyntax
from sdk.dicom.xa import XaRun
from sdk.model_folder import IntendedInput
from sdk.nifti import write_nifti

NAME = "structured_report.dcm"


@pytest.fixture
def model(tmp_path):
    note = IntendedInput(note="Trained on phantoms only, not for clinical use.")
    return folders.quality_folder(tmp_path / "model", intended_input=note).path


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    """A model, the DICOM series of a head, and its brain mask."""
    folder = tmp_path_factory.mktemp("brain")
    volume_folders.microbleed_folder(folder / "model")
    head = volume_folders.head((12, 40, 22), (8, 20, 50))
    swi = np.clip(head.voxels * 10, 0, 4000).astype(np.uint16)
    phase = np.rint((head.phase / np.pi + 1) * 2048).astype(np.uint16)
    mr_files.written(folder / "swi", swi, PixelSpacing=[1.0, 1.0])
    mr_files.written(folder / "phase", phase, PixelSpacing=[1.0, 1.0], SeriesInstanceUID="1.2.4")
    place = sdk.read_volume(folder / "swi").to_patient
    write_nifti(folder / "brain.nii.gz", head.brain, place)
    write_nifti(folder / "swi.nii.gz", head.voxels, place)
    return folder


def call(*arguments):
    words = ["run", *(str(argument) for argument in arguments), "--no-pictures"]
    result = CliRunner().invoke(angioedge, words, env={"COLUMNS": "300"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_run_leaves_a_report_that_warns_as_its_manifest_does(model, tmp_path):
    angiogram = xa_file(tmp_path, np.stack([folders.dark_square()] * 3))
    out = tmp_path / "out"
    asked = (model, angiogram, "--out", out)
    assert call(*asked, "--structured-report", "--segmentation").exit_code == 0
    assert {path.name for path in out.iterdir()} == {"outcomes.json", "segmentation.dcm", NAME}
    (group,) = reports.groups_of(out / NAME)
    assert reports.frames_of(group) == [1, 2, 3]
    assert "Trained on phantoms only, not for clinical use." in reports.comments_of(out / NAME)
    assert call(*asked).exit_code == 0
    assert {path.name for path in out.iterdir()} == {"outcomes.json"}


def test_several_runs_have_a_report_each(model, tmp_path):
    for name in ("one", "two"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        xa_file(tmp_path / "runs" / name, np.stack([folders.dark_square()] * 2))
    out = tmp_path / "out"
    assert call(model, tmp_path / "runs", "--out", out, "--structured-report").exit_code == 0
    first, second = (pydicom.dcmread(path) for path in sorted(out.glob(f"*/{NAME}")))
    assert first.StudyInstanceUID != second.StudyInstanceUID


def test_a_frame_that_cannot_be_read_makes_the_report_partial(model, tmp_path):
    frames = np.stack([folders.dark_square()] * 5)
    angiogram = xa_file(tmp_path, frames, syntax=TransferSyntax.JPEG_LS)
    damage(angiogram, 3)
    out = tmp_path / "out"
    assert call(model, angiogram, "--out", out, "--structured-report").exit_code == 1
    assert pydicom.dcmread(out / NAME).CompletionFlag == "PARTIAL"
    assert "Frames without an answer, not answered: 4." in reports.comments_of(out / NAME)


def test_ctrl_c_leaves_a_partial_report(model, tmp_path, monkeypatch):
    angiogram = xa_file(tmp_path, np.stack([folders.dark_square()] * 4))
    read = XaRun.native

    def interrupted(self, index):
        if index == 2:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(XaRun, "native", interrupted)
    out = tmp_path / "out"
    assert call(model, angiogram, "--out", out, "--structured-report").exit_code == 1
    dataset = pydicom.dcmread(out / NAME)
    assert dataset.CompletionFlagDescription == "2 of 4 frames have no answer"


def test_a_run_without_an_answer_leaves_no_report(model, tmp_path):
    black = xa_file(tmp_path, np.zeros((2, 64, 64), np.uint16))
    out = tmp_path / "out"
    assert call(model, black, "--out", out, "--structured-report").exit_code == 1
    assert {path.name for path in out.iterdir()} == {"outcomes.json"}


def test_what_is_no_dicom_is_refused_before_anything_is_answered(model, tmp_path):
    np.save(tmp_path / "run.npy", np.stack([folders.dark_square()] * 2))
    out = tmp_path / "out"
    with pytest.raises(sdk.FrameError, match=r"run\.npy is no DICOM file, .* no study; leave out"):
        call(model, tmp_path / "run.npy", "--out", out, "--structured-report")
    assert not (out / "outcomes.json").exists()


def test_a_volume_leaves_a_report_of_its_bleeds(brain, tmp_path):
    asked = (brain / "model", brain / "swi", "--phase", brain / "phase")
    more = ("--brain", brain / "brain.nii.gz", "--out", tmp_path)
    assert call(*asked, *more, "--structured-report").exit_code == 0
    _, *bleeds = reports.groups_of(tmp_path / NAME)
    assert [reports.label_of(bleed) for bleed in bleeds] == ["Microbleed 1", "Microbleed 2"]
    assert call(*asked, *more).exit_code == 0
    assert not (tmp_path / NAME).exists()


def test_a_volume_that_is_no_dicom_is_refused_before_it_is_answered(brain, tmp_path):
    asked = (brain / "model", brain / "swi.nii.gz", "--phase", brain / "phase")
    with pytest.raises(sdk.DicomError, match=r"swi\.nii\.gz is no DICOM image"):
        call(*asked, "--out", tmp_path, "--structured-report")
    assert not list(tmp_path.iterdir())
