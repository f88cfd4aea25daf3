"""The networks see a normalised brain whose slices keep their place."""

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.tasks.brain_volume import BrainVolume


def prepared(volume=None, slices=47):
    return BrainVolume.prepare(volume or volume_folders.head((10, 40, 30)), slices, (0.1, 99.9))


def naive(brain, stored, change):
    """Every fine slice by linear interpolation of the changed slices of the volume."""
    changed = change(stored)
    fine = []
    for k in range(brain.fine_slices):
        at = k * (len(changed) - 1) / (brain.fine_slices - 1)
        low = min(int(at), len(changed) - 2)
        fine.append(changed[low] * (low + 1 - at) + changed[low + 1] * (at - low))
    return np.stack(fine)


def test_a_tile_is_the_interpolated_volume_where_it_lies():
    volume = volume_folders.head((10, 40, 30))
    brain = prepared(volume)
    low, high = brain.window
    swi = naive(
        brain, volume.voxels, lambda v: np.clip((v - low) / (high - low), 0, 1) * brain.brain
    )
    phase = naive(brain, volume.phase, lambda v: 0.5 + v * brain.brain / (2 * np.pi))
    tile = np.empty((2, 16, 20, 24), np.float32)
    brain.fill_tile((5, 30, 20), tile)
    cut = np.s_[5:21, 30:50, 20:44]
    np.testing.assert_allclose(tile[0], swi[cut], atol=1e-5)
    np.testing.assert_allclose(tile[1], phase[cut], atol=1e-5)


def test_a_tile_over_the_end_is_empty_there():
    brain = prepared()
    tile = np.full((2, 16, 16, 16), 9.0, np.float32)
    brain.fill_tile((40, 72, 64), tile)
    assert not tile[0, 7:].any()
    np.testing.assert_array_equal(tile[1, 7:], 0.5)
    np.testing.assert_array_equal(tile[1, :, 8:], 0.5)


def test_first_and_last_slices_keep_their_place():
    brain = prepared()
    np.testing.assert_allclose(
        brain.to_volume(np.array([[0.0, 5, 6], [46, 5, 6]])), [[0, 5, 6], [23, 5, 6]]
    )


def test_a_patch_carries_coordinates_of_the_brain():
    brain = prepared()
    patch = np.empty((5, 8, 16, 16), np.float32)
    brain.fill_patch((2, 8, 8), patch)
    np.testing.assert_allclose(patch[2:, 0, 0, 0], -1.0)
    whole = np.empty((5, *volume_folders.SHAPE), np.float32)
    brain.fill_patch((0, 0, 0), whole)
    np.testing.assert_allclose(whole[2:, 21, 71, 63], 1.0)
    np.testing.assert_allclose(whole[:, 2:10, 8:24, 8:24], patch, atol=1e-6)


def test_a_patch_over_the_edge_goes_on():
    brain = prepared()
    whole, outside = (np.empty((5, 8, 16, 16), np.float32) for _ in range(2))
    brain.fill_patch((0, 0, 0), whole)
    brain.fill_patch((-4, -6, 60), outside)
    assert not outside[0, :4].any()
    np.testing.assert_array_equal(outside[1, :4], 0.5)
    step = whole[2, 1, 0, 0] - whole[2, 0, 0, 0]
    np.testing.assert_allclose(outside[2, 0, 0, 0], whole[2, 0, 0, 0] - 4 * step, rtol=1e-4)


def test_the_share_of_brain_of_a_tile():
    brain = prepared()
    assert brain.brain_share((0, 8, 8), (47, 64, 56)) == pytest.approx(20 / 24)
    assert brain.brain_share((0, 0, 0), (47, 8, 8)) == 0.0


def test_refuses_a_volume_it_cannot_judge():
    voxels = np.ones((4, 32, 32), np.float32)
    bare = sdk.Volume.of_spacing(voxels, (2.0, 1.0, 1.0))
    with pytest.raises(sdk.VolumeError, match="only the phase tells"):
        prepared(bare)
    flat = sdk.Volume(
        voxels=voxels, to_patient=bare.to_patient, phase=0 * voxels, brain=voxels.astype(bool)
    )
    with pytest.raises(sdk.VolumeError, match="all voxels of the brain are 1"):
        prepared(flat)
    nothing = sdk.Volume(
        voxels=voxels, to_patient=bare.to_patient, phase=0 * voxels, brain=0 * voxels
    )
    with pytest.raises(sdk.VolumeError, match="no brain"):
        prepared(nothing)


def test_a_given_window_needs_no_voxel():
    volume = volume_folders.head()
    brain = BrainVolume.prepare(volume, 47, (0.1, 99.9), (3.0, 7.0))
    assert brain.window == (3.0, 7.0)


@pytest.mark.parametrize("origin", [0, 7, 31, 40])
def test_the_slices_of_a_tile_are_all_that_it_reads(origin):
    brain = prepared()
    first, last = brain.slices_of(origin, 16)
    tile = np.empty((2, 2, 16, 24, 24), np.float32)
    brain.fill_tile((origin, 30, 20), tile[0])
    outside = np.setdiff1d(np.arange(len(brain.brain)), np.arange(first, last + 1))
    brain.volume.voxels[outside] = -1e6
    brain.volume.phase[outside] = 1e6
    brain.fill_tile((origin, 30, 20), tile[1])
    np.testing.assert_array_equal(*tile)
