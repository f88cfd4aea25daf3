"""NIfTI pairs are read with what their sidecar says."""

import json

import numpy as np
import pytest

import sdk
from sdk.volume_files import read_mask

nibabel = pytest.importorskip("nibabel")
RADIANS = np.random.default_rng(0).uniform(-3, 3, (6, 5, 4)).astype(np.float32)


def written(path, voxels, manufacturer=None):
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-0.5, 0.5, 2.0, 1.0])), path)
    if manufacturer:
        sidecar = path.with_name(path.name.split(".")[0] + ".json")
        sidecar.write_text(json.dumps({"Manufacturer": manufacturer}))
    return path


def test_the_sidecar_tells_the_sign(tmp_path):
    swi = written(tmp_path / "swi.nii", np.abs(RADIANS))
    plain = sdk.read_volume(swi, written(tmp_path / "plain.nii.gz", RADIANS))
    ge = sdk.read_volume(swi, written(tmp_path / "ge.nii.gz", -1000 * RADIANS, "GE"))
    np.testing.assert_allclose(ge.phase, plain.phase, atol=1e-5)
    assert any("flipped" in note for note in ge.notes)
    assert any("does not tell" in note for note in plain.notes)


def test_the_sidecar_of_the_magnitude_tells_the_sign_too(tmp_path):
    swi = written(tmp_path / "swi.nii", np.abs(RADIANS), "GE MEDICAL SYSTEMS")
    volume = sdk.read_volume(swi, written(tmp_path / "phase.nii", -1000 * RADIANS))
    plain = written(tmp_path / "plain.nii", np.abs(RADIANS))
    np.testing.assert_allclose(
        volume.phase, sdk.read_volume(plain, written(tmp_path / "p.nii", RADIANS)).phase, atol=1e-5
    )
    assert any("flipped" in note for note in volume.notes)


def test_images_of_two_vendors_are_refused(tmp_path):
    swi = written(tmp_path / "swi.nii", np.abs(RADIANS), "GE MEDICAL SYSTEMS")
    phase = written(tmp_path / "phase.nii", RADIANS, "Siemens")
    with pytest.raises(sdk.VolumeError, match="is of GE MEDICAL SYSTEMS, the phase of Siemens"):
        sdk.read_volume(swi, phase)


def test_volumes_arrive_in_axial_order(tmp_path):
    volume = sdk.read_volume(written(tmp_path / "swi.nii", RADIANS))
    assert volume.shape == (4, 5, 6)
    assert volume.phase is None
    np.testing.assert_array_equal(volume.voxels, RADIANS.T[:, ::-1])


def test_a_damaged_sidecar_is_refused(tmp_path):
    swi = written(tmp_path / "swi.nii", RADIANS, "Siemens")
    (tmp_path / "swi.json").write_text("{")
    with pytest.raises(sdk.VolumeError, match="is not JSON"):
        sdk.read_volume(swi)


def test_a_mask_is_turned_as_its_volume_was(tmp_path):
    volume = sdk.read_volume(written(tmp_path / "swi.nii", RADIANS))
    mask = (RADIANS > 0).astype(np.uint8)
    found = read_mask(written(tmp_path / "mask.nii", mask), volume)
    np.testing.assert_array_equal(found, volume.voxels > 0)


def test_a_mask_of_another_grid_is_refused(tmp_path):
    volume = sdk.read_volume(written(tmp_path / "swi.nii", RADIANS))
    small = written(tmp_path / "small.nii", np.ones((5, 5, 4), np.uint8))
    with pytest.raises(sdk.VolumeError, match="does not lie on the volume"):
        read_mask(small, volume)


def test_phase_may_be_stored_in_another_order(tmp_path):
    swi = written(tmp_path / "swi.nii", np.abs(RADIANS))
    plain = sdk.read_volume(swi, written(tmp_path / "phase.nii", RADIANS))
    mirrored = np.diag([0.5, 0.5, 2.0, 1.0])
    mirrored[0, 3] = -0.5 * (len(RADIANS) - 1)
    nibabel.save(nibabel.Nifti1Image(RADIANS[::-1], mirrored), tmp_path / "mirrored.nii")
    turned = sdk.read_volume(swi, tmp_path / "mirrored.nii")
    np.testing.assert_array_equal(turned.phase, plain.phase)
    nibabel.save(nibabel.Nifti1Image(RADIANS, mirrored), tmp_path / "mirrored.nii")
    unlike = sdk.read_volume(swi, tmp_path / "mirrored.nii")
    np.testing.assert_array_equal(unlike.phase, plain.phase[..., ::-1])


def test_the_sidecar_of_two_files_is_read_too(tmp_path):
    swi = written(tmp_path / "swi.nii", np.abs(RADIANS))
    nibabel.save(nibabel.Nifti1Pair(-RADIANS, np.diag([-0.5, 0.5, 2.0, 1.0])), tmp_path / "ge.hdr")
    (tmp_path / "ge.json").write_text(json.dumps({"Manufacturer": "GE"}))
    assert any("flipped" in note for note in sdk.read_volume(swi, tmp_path / "ge.hdr").notes)
