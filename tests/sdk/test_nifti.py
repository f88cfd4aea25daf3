"""NIfTI volumes arrive in DICOM's patient coordinates."""

import numpy as np
import pytest

import sdk
from sdk.nifti import read_nifti, write_nifti

nibabel = pytest.importorskip("nibabel")


def written(path, voxels, affine):
    image = nibabel.Nifti1Image(voxels, affine)
    nibabel.save(image, path)
    return path


def test_axes_become_slices_rows_columns_in_patient_coordinates(tmp_path):
    voxels = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    affine = np.diag([0.5, 0.6, 2.0, 1.0])
    affine[:3, 3] = [-10, 20, 30]
    read, to_patient = read_nifti(written(tmp_path / "swi.nii.gz", voxels, affine))
    np.testing.assert_array_equal(read, voxels.T)
    volume = sdk.Volume(voxels=read, to_patient=to_patient)
    x, y, z = affine[:3] @ [4, 1, 2, 1]
    np.testing.assert_allclose(volume.to_patient_mm([2, 1, 4]), [-x, -y, z], rtol=1e-6)


def test_refuses_an_image_without_orientation(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.float32), None)
    nibabel.save(image, tmp_path / "lost.nii")
    with pytest.raises(sdk.VolumeError, match="sform_code"):
        read_nifti(tmp_path / "lost.nii")


def test_refuses_several_volumes_and_other_files(tmp_path):
    path = written(tmp_path / "many.nii", np.zeros((2, 2, 2, 3), np.float32), np.eye(4))
    with pytest.raises(sdk.VolumeError, match="one 3-D volume"):
        read_nifti(path)
    (tmp_path / "text.nii").write_text("no image")
    with pytest.raises(sdk.VolumeError, match="is not a NIfTI image"):
        read_nifti(tmp_path / "text.nii")
    with pytest.raises(sdk.VolumeError, match="there is no file"):
        read_nifti(tmp_path / "absent.nii")


@pytest.mark.parametrize("name", ["cut.nii", "cut.nii.gz", "changed.nii.gz"])
def test_a_damaged_file_is_refused(tmp_path, name):
    voxels = np.random.default_rng(0).random((16, 16, 16)).astype(np.float32)
    content = written(tmp_path / name, voxels, np.eye(4)).read_bytes()
    half = len(content) // 2
    rest = content[half:][::-1] if name.startswith("changed") else b""
    (tmp_path / name).write_bytes(content[:half] + rest)
    with pytest.raises(sdk.VolumeError, match=f"{name} is not a NIfTI image that can be read: .+"):
        read_nifti(tmp_path / name)


def test_colours_and_complex_numbers_are_refused(tmp_path):
    """NumPy would drop the imaginary part with a warning."""
    colours = np.zeros((2, 3, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for voxels, what in ((colours, "colours"), (np.ones((2, 3, 4), np.complex64), "complex")):
        path = written(tmp_path / "image.nii", voxels, np.eye(4))
        with pytest.raises(sdk.VolumeError, match=f"voxels are {what}.*, expected real numbers"):
            read_nifti(path)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int16])
def test_what_is_written_is_read_back_in_its_place(tmp_path, dtype):
    voxels = np.arange(24).reshape(2, 3, 4).astype(dtype)
    to_patient = np.array([[0, 0.1, 0.5, -9], [0, 0.6, 0, 3], [2.0, 0, 0.1, 7], [0, 0, 0, 1]])
    write_nifti(tmp_path / "out.nii.gz", voxels, to_patient)
    read, place = read_nifti(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(read, voxels)
    np.testing.assert_allclose(place, to_patient, atol=1e-6)


def test_what_is_written_says_that_it_lies_in_the_scanner_in_mm(tmp_path):
    write_nifti(tmp_path / "x.nii.gz", np.zeros((2, 3, 4), np.uint8), np.diag([2.0, 1, 1, 1]))
    header = nibabel.load(tmp_path / "x.nii.gz").header
    assert (int(header["sform_code"]), header.get_xyzt_units()[0]) == (1, "mm")


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    voxels = np.zeros((2, 3, 4), np.float32)
    for name in ("absent/out.nii", "out.png"):
        with pytest.raises(sdk.VolumeError, match="cannot be written"):
            write_nifti(tmp_path / name, voxels, np.eye(4))


def test_scanner_coordinates_go_before_those_of_another_image(tmp_path):
    scanner, atlas = np.diag([0.5, 0.6, 2.0, 1.0]), np.diag([1.0, 1.0, 1.0, 1.0])
    scanner[:3, 3], atlas[:3, 3] = [-10, 20, 30], [5, 5, 5]
    voxels = np.zeros((5, 4, 3), np.float32)
    for sform, qform, place in ((4, 1, scanner), (2, 1, scanner), (1, 2, atlas), (2, 2, atlas)):
        image = nibabel.Nifti1Image(voxels, None)
        image.set_sform(atlas, sform)
        image.set_qform(scanner, qform)
        nibabel.save(image, tmp_path / "both.nii")
        read, to_patient = read_nifti(tmp_path / "both.nii")
        volume = sdk.Volume(voxels=read, to_patient=to_patient)
        x, y, z = place[:3, 3]
        np.testing.assert_allclose(volume.to_patient_mm([0, 0, 0]), [-x, -y, z], rtol=1e-6)


@pytest.mark.parametrize(("unit", "size"), [("meter", 1e-3), ("micron", 1e3), ("unknown", 1.0)])
def test_lengths_become_millimetres(tmp_path, unit, size):
    image = nibabel.Nifti1Image(np.zeros((5, 4, 3), np.float32), np.diag([size, size, size, 1.0]))
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "swi.nii")
    read, to_patient = read_nifti(tmp_path / "swi.nii")
    spacing_mm = sdk.Volume(voxels=read, to_patient=to_patient).spacing_mm
    np.testing.assert_allclose(spacing_mm, (1.0, 1.0, 1.0), rtol=1e-6)


def test_header_and_voxels_may_be_two_files(tmp_path):
    voxels = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Pair(voxels, np.eye(4)), tmp_path / "swi.hdr")
    for name in ("swi.hdr", "swi.img"):
        np.testing.assert_array_equal(read_nifti(tmp_path / name)[0], voxels.T)


def test_a_damaged_file_is_told_of_in_one_line(tmp_path):
    path = written(tmp_path / "cut.nii", np.zeros((9, 9, 9), np.float32), np.eye(4))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(sdk.VolumeError) as told:
        read_nifti(path)
    assert "\n" not in str(told.value)


def test_a_damaged_rotation_is_refused(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((5, 4, 3), np.float32), np.eye(4))
    image.set_qform(np.eye(4), 1)
    image.header["quatern_b"] = 9.0
    nibabel.save(image, tmp_path / "turned.nii")
    with pytest.raises(sdk.VolumeError, match=r"turned\.nii is not a NIfTI image that can be read"):
        read_nifti(tmp_path / "turned.nii")
