"""A file appears when it is whole, or stays as it was."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.dicom.write_xa import write_xa
from sdk.files import write_whole
from sdk.nifti import write_nifti
from sdk.report import write_outcomes
from sdk.timing import LatencyRecord
from sdk.volume_report import write_candidates, write_volume_record


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    for content in (b"first", b"second"):
        write_whole(tmp_path / "file", content)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_is_cut_off_leaves_what_was_there(tmp_path, monkeypatch):
    write_whole(tmp_path / "file", b"first")

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "file", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_threads_that_write_one_file_do_not_meet(tmp_path):
    contents = [bytes([number]) * 4096 for number in range(100)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda content: write_whole(tmp_path / "file", content), contents))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() in contents


VOXELS = np.zeros((2, 8, 8), np.uint8)
ANSWER = volume_folders.answer_of(volume_folders.head(), ((12, 40, 30), sdk.Region.DEEP))
REJECTED = sdk.VolumeOutcome(
    volume=volume_folders.head(),
    status=sdk.Status.REJECTED,
    answer=None,
    reason="no brain was found",
    stages_ms={},
    backend="replay",
)
WRITERS = {
    "outcomes.json": lambda path: write_outcomes(path, [], LatencyRecord()),
    "microbleeds.json": lambda path: write_volume_record(path, REJECTED),
    "microbleeds.csv": lambda path: write_candidates(path, ANSWER),
    "regions.nii": lambda path: write_nifti(path, VOXELS, np.eye(4)),
    "regions.nii.gz": lambda path: write_nifti(path, VOXELS, np.eye(4)),
    "run.dcm": lambda path: write_xa(path, VOXELS),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_record_of_a_patient_is_whole_or_the_one_before(tmp_path, monkeypatch, name):
    path = tmp_path / name
    WRITERS[name](path)
    before = path.read_bytes()

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises((OSError, sdk.VolumeError, sdk.DicomError), match="No space"):
        WRITERS[name](path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
