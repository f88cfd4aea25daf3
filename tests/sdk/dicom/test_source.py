"""A report refers to the images that something was found on, and to no others."""

import dataclasses

import mr_files
import numpy as np
import pydicom
import pytest
from xa_files import xa_file

import sdk
from sdk.dicom.source import SourceRun, SourceSeries, check_one_study


@pytest.mark.parametrize(("count", "numbers"), [(4, (1, 4)), (1, ())])
def test_frames_are_numbered_from_1_and_a_single_one_is_its_file(tmp_path, count, numbers):
    path = xa_file(tmp_path, np.zeros((count, 5, 6), np.uint8))
    reference = SourceRun(path).refer([0, count - 1])
    assert reference.sop_instance == pydicom.dcmread(path).SOPInstanceUID
    assert reference.frames == numbers


def test_the_nearest_slice_is_found_whatever_its_file_is_called(tmp_path):
    series = SourceSeries(mr_files.written(tmp_path, order=[3, 0, 4, 1, 2]))
    for index, name in ((0, "1.dcm"), (2, "4.dcm"), (4, "2.dcm")):
        z_mm = 30 + mr_files.STEP_MM * index + 0.4
        expected = pydicom.dcmread(tmp_path / name).SOPInstanceUID
        assert series.nearest((55.0, 66.0, z_mm)).sop_instance == expected
    assert series.nearest((0.0, 0.0, 31.0)).frames == ()


def test_a_frame_of_an_enhanced_file_is_referred_to_by_its_number(tmp_path):
    path = mr_files.enhanced(tmp_path / "IM1", order=(3, 0, 4, 1, 2))
    series = SourceSeries(path)
    reference = series.nearest((0.0, 0.0, 30 + 4 * mr_files.STEP_MM))
    assert reference.sop_instance == pydicom.dcmread(path).SOPInstanceUID
    assert reference.frames == (3,)
    assert len(series.headers) == 1
    assert series.lies_on(sdk.read_volume(path))


def test_phase_between_the_images_belongs_to_the_series_and_is_nobodys_place(tmp_path):
    mr_files.written(tmp_path)
    for index in range(len(mr_files.VOXELS)):
        kind = ["ORIGINAL", "PRIMARY", "P", "SWI"]
        phase = mr_files.slice_of(2 * mr_files.VOXELS[0], index, ImageType=kind)
        phase.save_as(tmp_path / f"0{index}.dcm", enforce_file_format=True)  # sorted before
    series = SourceSeries(tmp_path)
    assert len(series.headers) == 10
    expected = pydicom.dcmread(tmp_path / "1.dcm").SOPInstanceUID
    assert series.nearest((0.0, 0.0, 30 + mr_files.STEP_MM)).sop_instance == expected
    assert series.lies_on(sdk.read_volume(tmp_path))


def test_a_volume_lies_on_the_series_it_was_read_from_and_on_no_other(tmp_path):
    series = SourceSeries(mr_files.written(tmp_path))
    volume = sdk.read_volume(tmp_path)
    assert series.lies_on(volume)
    flipped = dataclasses.replace(
        volume,
        voxels=volume.voxels[::-1],
        to_patient=volume.to_patient @ [[-1, 0, 0, 4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    )
    assert series.lies_on(flipped)
    moved = volume.to_patient.copy()
    moved[2, 3] += 1.0
    assert not series.lies_on(dataclasses.replace(volume, to_patient=moved))
    assert not series.lies_on(dataclasses.replace(volume, voxels=volume.voxels[:4]))


def test_images_without_a_study_are_refused(tmp_path):
    path = tmp_path / "swi.nii.gz"
    path.write_bytes(b"no DICOM")
    with pytest.raises(sdk.DicomError, match=r"swi\.nii\.gz is no DICOM image, .* no study"):
        SourceSeries(path)


def test_images_of_several_studies_are_refused(tmp_path):
    one = SourceSeries(mr_files.written(tmp_path / "swi"))
    other = SourceSeries(mr_files.written(tmp_path / "phase", StudyInstanceUID="1.2.9"))
    with pytest.raises(sdk.DicomError, match=r"Study Instance UID .* differs .* one study"):
        check_one_study((*one.headers, *other.headers))


@pytest.mark.parametrize("uid", ["", "1.2.8"])
def test_slices_in_no_common_frame_of_reference_are_refused(tmp_path, uid):
    mr_files.written(tmp_path)
    image = mr_files.slice_of(mr_files.VOXELS[1], 1, FrameOfReferenceUID=uid)
    image.save_as(tmp_path / "1.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=r"Frame of Reference UID .* differs from that of 0"):
        SourceSeries(tmp_path)
