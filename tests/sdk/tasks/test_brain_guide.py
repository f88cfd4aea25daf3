"""A guide carries brain and window from a scan that came first."""

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.tasks.brain_mask import window_in
from sdk.volume import Volume

SHARES = (0.1, 99.9)


def guide_of(scan, like):
    return sdk.BrainGuide.of(scan, like.shape, like.to_patient, SHARES)


def coarse(volume, steps=(2, 2, 2)):
    cut = tuple(slice(None, None, step) for step in steps)
    to_patient = volume.to_patient @ np.diag([*steps, 1.0])
    return Volume(voxels=volume.voxels[cut], to_patient=to_patient, brain=volume.brain[cut])


def test_a_scan_on_the_same_grid_is_its_own_guide():
    volume = volume_folders.head()
    guide = guide_of(volume, volume)
    np.testing.assert_array_equal(guide.brain, volume.brain != 0)
    assert guide.window == window_in(volume, volume.brain != 0, SHARES)


def test_a_coarse_scan_guides_a_fine_volume():
    volume = volume_folders.head()
    guide = guide_of(coarse(volume), volume)
    truth = volume.brain != 0
    assert 2 * (guide.brain & truth).sum() / (guide.brain.sum() + truth.sum()) > 0.9
    np.testing.assert_allclose(
        guide.window, window_in(volume, truth, SHARES), atol=0.05 * np.ptp(guide.window)
    )


def test_the_scan_may_lie_otherwise():
    volume = volume_folders.head()
    turned = Volume(
        voxels=np.transpose(volume.voxels, (2, 0, 1))[::-1],
        brain=np.transpose(volume.brain, (2, 0, 1))[::-1],
        to_patient=volume.to_patient
        @ np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 71], [0, 0, 0, 1.0]]),
    )
    np.testing.assert_array_equal(guide_of(turned, volume).brain, volume.brain != 0)


def test_a_scan_of_another_place_guides_nothing():
    volume = volume_folders.head()
    away = volume.to_patient + np.array([[0, 0, 0, 900.0], *np.zeros((3, 4))])
    with pytest.raises(sdk.VolumeError, match="something inside"):
        sdk.BrainGuide.of(volume, volume.shape, away, SHARES)


@pytest.mark.parametrize("window", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_window_without_width_is_refused(window):
    with pytest.raises(sdk.VolumeError, match="the lower first"):
        sdk.BrainGuide(window=window, brain=np.ones((2, 2, 2), bool))


def test_a_brain_of_another_shape_is_refused():
    guide = sdk.BrainGuide(window=(0.0, 1.0), brain=np.ones((2, 2, 2), bool))
    with pytest.raises(sdk.VolumeError, match="brain must have the shape"):
        guide.on(volume_folders.head())
