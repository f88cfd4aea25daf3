"""A DICOM series becomes one volume, whole and in order, or is refused."""

import numpy as np
import pydicom
import pytest
from mr_files import PIXEL_MM, STEP_MM, VOXELS, enhanced, slice_of, written

import sdk
from sdk.dicom.series import read_series

RNG = np.random.default_rng(0)


def test_frames_of_an_enhanced_file_are_slices(tmp_path):
    path = enhanced(tmp_path / "IM1", slope=[4, 1, 5, 2, 3])
    scaled = VOXELS * np.arange(1, 6, dtype=np.float32)[:, None, None] - 5
    for given in (path, tmp_path):
        volume = sdk.read_volume(given)
        np.testing.assert_array_equal(volume.voxels, scaled)
        np.testing.assert_allclose(volume.spacing_mm, (STEP_MM, *PIXEL_MM))
        np.testing.assert_allclose(volume.to_patient_mm([2, 3, 4]), [-10 + 2.8, -20 + 1.5, 34])


def test_frames_of_phase_are_told_from_the_others(tmp_path):
    """Philips writes both into one file, phase behind magnitude or in turns."""
    order = (3, 3, 0, 0, 4, 4, 1, 1, 2, 2)
    series = read_series(enhanced(tmp_path / "IM1", order, slope=[1, 2] * 5, kind="MP"))
    np.testing.assert_array_equal(series.voxels, VOXELS - 5.0)
    np.testing.assert_array_equal(series.phase, 2.0 * VOXELS - 5.0)


@pytest.mark.parametrize(
    "said",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"], "SeriesInstanceUID": "1.2.4"},
        {"ComplexImageComponent": "PHASE"},
    ],
)
def test_files_of_phase_are_told_from_the_others(tmp_path, said):
    for index, pixels in enumerate(VOXELS):
        image = slice_of(pixels, index)
        image.save_as(tmp_path / f"a{index}.dcm", enforce_file_format=True)
        phase = slice_of(4095 - pixels, index, **said)
        phase.save_as(tmp_path / f"b{index}.dcm", enforce_file_format=True)
    series = read_series(tmp_path)
    np.testing.assert_array_equal(series.voxels, VOXELS)
    np.testing.assert_array_equal(series.phase, 4095 - VOXELS)
    volume = sdk.read_volume(tmp_path)
    assert abs(volume.phase).max() <= np.pi
    (tmp_path / "b2.dcm").unlink()
    with pytest.raises(sdk.DicomError, match=r"b1\.dcm and b3\.dcm are 4\.000 mm apart"):
        read_series(tmp_path)


def test_phase_alone_is_read_as_any_other_image(tmp_path):
    series = read_series(written(tmp_path, ImageType=["ORIGINAL", "PRIMARY", "P"]))
    np.testing.assert_array_equal(series.voxels, VOXELS)
    assert series.phase is None


@pytest.mark.parametrize(
    "other", [{"StudyInstanceUID": "7"}, {"Manufacturer": "GE"}, {"EchoTime": 20}]
)
def test_phase_of_another_acquisition_is_refused(tmp_path, other):
    for index, pixels in enumerate(VOXELS):
        image = slice_of(pixels, index)
        image.save_as(tmp_path / f"a{index}.dcm", enforce_file_format=True)
        phase = slice_of(pixels, index, ImageType=["ORIGINAL", "PRIMARY", "P"], **other)
        phase.save_as(tmp_path / f"b{index}.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=f"different {next(iter(other))}: a0.* b0"):
        read_series(tmp_path)


def test_phase_of_another_place_is_refused(tmp_path):
    for index, pixels in enumerate(VOXELS):
        image = slice_of(pixels, index)
        image.save_as(tmp_path / f"a{index}.dcm", enforce_file_format=True)
        phase = slice_of(pixels, index + 1, ImageType=["ORIGINAL", "PRIMARY", "P"])
        phase.save_as(tmp_path / f"b{index}.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match="5 images and 5 of phase, which do not lie on each"):
        read_series(tmp_path)


def test_what_an_enhanced_file_mixes_is_named(tmp_path):
    path = tmp_path / "IM1"
    for changes, told in (
        ({"kind": "MR"}, r"different FrameType: IM1 frame 0 has .* IM1 frame 1 has "),
        ({"kind": "MP"}, r"IM1 holds 3 images and 2 of phase, which do not lie on each other"),
        ({"order": (0, 1, 1, 2, 3)}, "IM1 frame 1 and IM1 frame 2 lie in the same place"),
        ({"order": (0, 1, 3, 4)}, r"IM1 frame 1 and IM1 frame 2 are 4\.000 mm apart"),
        ({"NumberOfFrames": 2**31 - 1}, "is 2147483647, but the place of 5 is described"),
    ):
        with pytest.raises(sdk.DicomError, match=told):
            read_series(enhanced(path, **changes))


def test_slices_come_in_their_order_in_space(tmp_path):
    series = read_series(written(tmp_path, order=[3, 0, 4, 1, 2]))
    np.testing.assert_array_equal(series.voxels, VOXELS)
    volume = sdk.Volume(voxels=series.voxels, to_patient=series.to_patient)
    np.testing.assert_allclose(volume.spacing_mm, (STEP_MM, *PIXEL_MM))
    np.testing.assert_allclose(volume.to_patient_mm([2, 3, 4]), [-10 + 2.8, -20 + 1.5, 34])


def test_slope_and_intercept_are_applied(tmp_path):
    series = read_series(written(tmp_path, RescaleSlope=2, RescaleIntercept=-4096))
    np.testing.assert_array_equal(series.voxels, VOXELS.astype(np.float32) * 2 - 4096)


def test_signed_pixels_stay_signed(tmp_path):
    signed = (VOXELS.astype(np.int16) - 2000).view(np.uint16)
    series = read_series(
        written(tmp_path, signed, PixelRepresentation=1, BitsStored=16, HighBit=15)
    )
    np.testing.assert_array_equal(series.voxels, VOXELS.astype(np.float32) - 2000)


def test_an_oblique_series_lies_where_it_lay(tmp_path):
    tilt = [1, 0, 0, 0, 0.8, 0.6]
    folder = tmp_path / "oblique"
    folder.mkdir()
    for index in range(3):
        position = (np.array([0, -0.6, 0.8]) * 3 * index).tolist()
        image = slice_of(
            VOXELS[index], index, ImageOrientationPatient=tilt, ImagePositionPatient=position
        )
        image.save_as(folder / f"{index}.dcm", enforce_file_format=True)
    series = read_series(folder)
    volume = sdk.Volume(voxels=series.voxels, to_patient=series.to_patient)
    np.testing.assert_allclose(volume.to_patient_mm([1, 0, 0]), [0, -1.8, 2.4], atol=1e-6)
    np.testing.assert_allclose(volume.to_patient_mm([0, 2, 1]), [0.7, 0.8, 0.6], atol=1e-6)


def test_a_missing_slice_is_noticed(tmp_path):
    folder = written(tmp_path)
    (folder / "2.dcm").unlink()
    with pytest.raises(
        sdk.DicomError, match=r"1\.dcm and 3\.dcm are 4\.000 mm apart, the others 2"
    ):
        read_series(folder)


def test_a_slice_that_is_there_twice_is_named(tmp_path):
    slice_of(VOXELS[2], 2).save_as(written(tmp_path) / "copy.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=r"2\.dcm and copy\.dcm lie in the same place"):
        read_series(tmp_path)


def test_displaced_slices_are_noticed(tmp_path):
    for index, pixels in enumerate(VOXELS):
        aside = [-10 + 2 * (index % 2), -20, 30 + STEP_MM * index]
        image = slice_of(pixels, index, ImagePositionPatient=aside)
        image.save_as(tmp_path / f"{index}.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=r"2\.828 mm apart, the others 2\.000.* displaced"):
        read_series(tmp_path)


def test_pixels_of_another_size_are_noticed(tmp_path):
    image = slice_of(VOXELS[4], 4, PixelSpacing=[0.6, 0.7])
    image.save_as(written(tmp_path) / "4.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=r"Pixel Spacing \(0028,0030\) changes: 0\.dcm has"):
        read_series(tmp_path)


@pytest.mark.parametrize("axes", [[2, 0, 0, 0, 2, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0.5, 0.87, 0]])
def test_axes_that_are_none_are_refused(tmp_path, axes):
    with pytest.raises(sdk.DicomError, match="two perpendicular vectors of length 1"):
        read_series(written(tmp_path, ImageOrientationPatient=axes))


def test_an_empty_file_is_a_lost_slice(tmp_path):
    """The last slice would be missed in silence: the others follow each other."""
    (written(tmp_path) / "4.dcm").write_bytes(b"")
    with pytest.raises(sdk.DicomError, match=r"4\.dcm is empty; copy it again"):
        read_series(tmp_path)


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir"])
def test_the_index_of_an_export_is_no_slice(tmp_path, name):
    index = slice_of(VOXELS[0], 0, SeriesInstanceUID="9")
    index.save_as(written(tmp_path) / name, enforce_file_format=True)
    np.testing.assert_array_equal(read_series(tmp_path).voxels, VOXELS)


def test_mixed_series_are_refused(tmp_path):
    written(tmp_path)
    slice_of(VOXELS[0], 9, SeriesInstanceUID="1.2.4").save_as(
        tmp_path / "other.dcm", enforce_file_format=True
    )
    wanted = (
        r"different SeriesInstanceUID: 0\.dcm has '1\.2\.3', other\.dcm has '1\.2\.4'; give one"
    )
    with pytest.raises(sdk.DicomError, match=wanted):
        read_series(tmp_path)


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(sdk.DicomError, match="no DICOM files"):
        read_series(tmp_path)
    slice_of(VOXELS[0], 0).save_as(tmp_path / "0.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match="one slice"):
        read_series(tmp_path)


@pytest.mark.parametrize("meaning", ["MONOCHROME1", "RGB"])
def test_values_that_are_not_brightness_are_refused(tmp_path, meaning):
    with pytest.raises(sdk.DicomError, match=f"must be MONOCHROME2, got '{meaning}'"):
        read_series(written(tmp_path, PhotometricInterpretation=meaning))


def test_a_lost_orientation_is_refused(tmp_path):
    folder = written(tmp_path)
    image = pydicom.dcmread(folder / "1.dcm")
    del image.ImageOrientationPatient
    image.save_as(folder / "1.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match="Image Orientation"):
        read_series(folder)


def test_swi_and_phase_of_a_scanner_become_one_volume(tmp_path):
    radians = RNG.uniform(-3, 3, VOXELS.shape)
    stored = np.round((radians * 4096 / np.pi + 4096) / 2).astype(np.uint16)
    swi = written(tmp_path / "swi")
    phase = written(tmp_path / "phase", stored, RescaleSlope=2, RescaleIntercept=-4096)
    volume = sdk.read_volume(swi, phase)
    np.testing.assert_array_equal(volume.voxels, VOXELS)
    np.testing.assert_allclose(volume.phase, radians, atol=2e-3)
    flipped = sdk.read_volume(swi, phase, phase_sign=-1)
    np.testing.assert_allclose(flipped.phase, -volume.phase, atol=1e-6)
    shifted = written(tmp_path / "shifted", stored, PixelSpacing=[0.6, 0.7])
    with pytest.raises(sdk.VolumeError, match="does not lie on"):
        sdk.read_volume(swi, shifted)
