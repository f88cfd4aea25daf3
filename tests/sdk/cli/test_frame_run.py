"""``angioedge run`` on frames says what has no answer, and keeps what was answered."""

import json

import folders
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from xa_files import damage, xa_file

import sdk
from sdk.cli import angioedge
from sdk.dicom.write_xa import TransferSyntax
from sdk.dicom.xa import XaRun
from sdk.npy import ArrayFrames

FRAMES = ("outcomes.json", "overlay.webm", "contact_sheet.png", "timeline.png")


@pytest.fixture
def model(tmp_path):
    return folders.quality_folder(tmp_path / "model").path


@pytest.fixture
def good(tmp_path):
    return saved(tmp_path / "good.npy", np.stack([folders.dark_square()] * 4))


def saved(path, pixels):
    np.save(path, pixels)
    return path


def cut(path, pixels):
    """A file that ends in its last frame."""
    content = saved(path, pixels).read_bytes()
    path.write_bytes(content[:-10])
    return path


def call(model, image, out, *more):
    words = ["run", str(model), str(image), "--out", str(out), *more]
    result = CliRunner().invoke(angioedge, words, env={"COLUMNS": "300"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_masks_are_written_as_a_segmentation_of_the_dicom_file(model, tmp_path):
    angiogram = xa_file(tmp_path, np.stack([folders.dark_square()] * 3))
    out = tmp_path / "out"
    assert call(model, angiogram, out, "--no-pictures", "--segmentation").exit_code == 0
    dataset = pydicom.dcmread(out / "segmentation.dcm")
    np.testing.assert_array_equal(dataset.pixel_array[2], folders.dark_square() < 100)
    assert dataset.SegmentSequence[0].SegmentLabel == "Blood Vessel"
    assert call(model, angiogram, out, "--no-pictures").exit_code == 0
    assert names_in(out) == {"outcomes.json"}


def test_the_masks_of_arteries_are_called_arteries(tmp_path):
    frames = np.random.default_rng(3).normal(2000, 20, (2, 128, 128)).astype(np.uint16)
    frames[1, :, 10:40] -= 800
    angiogram = xa_file(tmp_path, frames, bits_stored=12)
    folder, out = folders.artery_folder(tmp_path / "arteries").path, tmp_path / "out"
    assert call(folder, angiogram, out, "--no-pictures", "--segmentation").exit_code == 0
    assert pydicom.dcmread(out / "segmentation.dcm").SegmentSequence[0].SegmentLabel == "Artery"


def test_a_segmentation_of_what_is_no_dicom_is_refused_before_anything_is_answered(
    model, good, tmp_path
):
    with pytest.raises(sdk.FrameError, match=r"good\.npy is no DICOM file"):
        call(model, good, tmp_path / "out", "--segmentation")
    assert not (tmp_path / "out" / "outcomes.json").exists()


def told_in(out):
    return json.loads((out / "outcomes.json").read_text())


def names_in(out):
    return {path.name for path in out.iterdir()}


def test_a_frame_that_cannot_be_read_is_rejected_and_the_others_are_answered(model, tmp_path):
    frames = np.stack([folders.dark_square()] * 5)
    angiogram = xa_file(tmp_path, frames, syntax=TransferSyntax.JPEG_LS)
    damage(angiogram, 3)
    out = tmp_path / "out"
    result = call(model, angiogram, out)
    assert result.exit_code == 1
    assert "1 of 5 frames have no answer, frame 3 first:" in result.output
    told = told_in(out)
    statuses = [frame["status"] for frame in told["frames"]]
    assert statuses == [*["delivered"] * 3, "rejected", "delivered"]
    assert "frame 3" in told["frames"][3]["reason"]
    assert told["stopped"] == ""
    assert names_in(out) == set(FRAMES)


def test_a_run_without_an_answer_is_no_success(model, tmp_path):
    black = saved(tmp_path / "black.npy", np.zeros((3, 64, 64), np.uint16))
    result = call(model, black, tmp_path / "out", "--no-pictures")
    assert result.exit_code == 1
    assert "3 of 3 frames have no answer, frame 0 first:" in result.output
    assert "Nothing was answered: look into" in result.output
    assert "milliseconds" not in result.output
    assert {frame["status"] for frame in told_in(tmp_path / "out")["frames"]} == {"rejected"}


def test_frames_without_an_answer_are_counted(model, tmp_path):
    pixels = np.stack([folders.dark_square()] * 3)
    pixels[1] = 0
    result = call(model, saved(tmp_path / "run.npy", pixels), tmp_path / "out", "--no-pictures")
    assert result.exit_code == 0
    assert "1 of 3 frames have no answer, frame 1 first:" in result.output
    assert "Done: look into" in result.output


def test_ctrl_c_leaves_what_was_answered(model, good, tmp_path, monkeypatch):
    read = ArrayFrames.__getitem__

    def interrupted(self, index):
        if index == 2:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(ArrayFrames, "__getitem__", interrupted)
    assert call(model, good, tmp_path / "out").exit_code == 1
    told = told_in(tmp_path / "out")
    assert [frame["index"] for frame in told["frames"]] == [0, 1]
    assert told["stopped"] == "KeyboardInterrupt"
    assert told["latency_ms"]["total"]["frames"] == 2


def test_ctrl_c_leaves_the_masks_of_what_was_answered(model, tmp_path, monkeypatch):
    angiogram = xa_file(tmp_path, np.stack([folders.dark_square()] * 4))
    read = XaRun.native

    def interrupted(self, index):
        if index == 2:
            raise KeyboardInterrupt
        return read(self, index)

    monkeypatch.setattr(XaRun, "native", interrupted)
    out = tmp_path / "out"
    assert call(model, angiogram, out, "--no-pictures", "--segmentation").exit_code == 1
    assert pydicom.dcmread(out / "segmentation.dcm").NumberOfFrames == 2


def test_a_run_of_which_nothing_can_be_read_leaves_no_pictures(model, tmp_path):
    out = tmp_path / "out"
    result = call(model, cut(tmp_path / "cut.npy", folders.dark_square()), out)
    assert result.exit_code == 1
    assert names_in(out) == {"outcomes.json"}


def test_nothing_of_an_earlier_run_stays(model, good, tmp_path):
    out = tmp_path / "out"
    assert call(model, good, out).exit_code == 0
    assert names_in(out) == set(FRAMES)
    (out / "notes.txt").write_text("of the user")
    (tmp_path / "no_run.npy").write_bytes(b"\x93NUMPY and no more")
    with pytest.raises(Exception, match="cannot be read"):
        call(model, tmp_path / "no_run.npy", out)
    assert names_in(out) == {"notes.txt"}


def test_what_is_no_run_in_a_folder_is_named_and_left_out(model, good, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    good.rename(runs / "a.npy")
    np.save(runs / "times.npy", np.zeros(3))
    result = call(model, runs, tmp_path / "out", "--no-pictures")
    assert result.exit_code == 0
    assert "left out: " in result.output
    assert "times.npy cannot be read: expected (frames, rows, columns)" in result.output
    assert len(told_in(tmp_path / "out")["frames"]) == 4


def test_a_run_of_no_frames_is_refused_and_leaves_nothing(model, tmp_path):
    empty = saved(tmp_path / "empty.npy", np.zeros((0, 64, 64), np.uint16))
    with pytest.raises(Exception, match="holds no frames"):
        call(model, empty, tmp_path / "out")
    assert names_in(tmp_path / "out") == set()
