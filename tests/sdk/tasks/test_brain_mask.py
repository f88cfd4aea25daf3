"""The brain is found without the scalp, and its values are ranked exactly."""

from dataclasses import replace

import numpy as np
import pytest
import volume_folders
from hypothesis import given
from hypothesis import strategies as st

import sdk
from sdk.tasks.brain_mask import brain_of, check_seen, estimate_brain, window_in

RNG = np.random.default_rng(0)
VOXELS = RNG.normal(0, 100, (5, 6, 7)).round(-1).astype(np.float32)
BRAIN = RNG.random(VOXELS.shape) < 0.6


def test_a_scalp_is_no_brain():
    z, y, x = np.ogrid[-12:12, -55:55, -48:48]
    level = np.sqrt((z / 14) ** 2 + (y / 44) ** 2 + (x / 36) ** 2)
    swi = RNG.normal(2, 1, level.shape).clip(0)
    swi[level < 0.98] = 60
    swi[(level > 1.12) & (level < 1.22)] = 80
    volume = sdk.Volume.of_spacing(swi.astype(np.float32), (4.0, 2.0, 2.0))
    brain, truth = estimate_brain(volume), level < 0.98
    assert 2 * (brain & truth).sum() / (brain.sum() + truth.sum()) > 0.95
    assert not brain[(level > 1.12)].any()


def test_an_estimate_on_a_coarse_grid_covers_every_voxel():
    volume = sdk.Volume.of_spacing(np.zeros((4, 61, 43), np.float32), (2.0, 0.5, 0.5))
    volume.voxels[1:3, 9:50, 10:38] = 100.0
    brain = estimate_brain(volume)
    assert brain.shape == volume.shape
    assert brain[1, 12:48, 12:36].all()


@given(low=st.floats(0, 100), span=st.floats(0, 100))
def test_the_window_is_what_numpy_says(low, span):
    shares = (low, min(100.0, low + span))
    expected = np.percentile(VOXELS[BRAIN].astype(np.float64), shares)
    volume = sdk.Volume.of_spacing(VOXELS, (1.0, 1.0, 1.0))
    if not expected[0] < expected[1]:
        with pytest.raises(sdk.VolumeError, match="all voxels"):
            window_in(volume, BRAIN, shares)
        return
    np.testing.assert_allclose(window_in(volume, BRAIN, shares), expected, rtol=1e-12, atol=1e-9)


def test_refuses_what_is_not_finite_inside_the_brain_only():
    volume = volume_folders.head()
    brain = brain_of(volume)
    volume.voxels[0, 0, 0] = np.nan
    assert window_in(volume, brain, (1, 99)) == window_in(volume_folders.head(), brain, (1, 99))
    volume.voxels[12, 40, 40] = np.nan
    with pytest.raises(sdk.VolumeError, match="not finite"):
        window_in(volume, brain, (1, 99))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("image", ["voxels", "phase"])
def test_what_the_networks_see_of_the_brain_is_finite(image, bad):
    volume = volume_folders.head()
    brain = brain_of(volume)
    getattr(volume, image)[0, 0, 0] = bad
    check_seen(volume.voxels, volume.phase, brain)
    getattr(volume, image)[12, 40, 40] = bad
    with pytest.raises(sdk.VolumeError, match="not finite"):
        check_seen(volume.voxels, volume.phase, brain)


def test_phase_in_the_brain_is_in_radians():
    volume = volume_folders.head()
    brain = brain_of(volume)
    volume.phase[0, 0, 0] = 3141
    volume.phase[12, 40, 40] = -np.float32(np.pi)
    check_seen(volume.voxels, volume.phase, brain)
    volume.phase[12, 40, 40] = -2000
    with pytest.raises(sdk.VolumeError, match="reaches 2000, expected radians"):
        check_seen(volume.voxels, volume.phase, brain)


def test_the_brain_is_found_beside_what_is_not_finite():
    whole, holed = volume_folders.head(), volume_folders.head()
    holed.voxels[:2] = np.nan
    holed.voxels[:, :4] = np.inf
    np.testing.assert_array_equal(estimate_brain(holed), estimate_brain(whole))


def test_where_nothing_is_finite_there_is_nothing_to_see():
    volume = sdk.Volume.of_spacing(np.full((4, 40, 30), np.nan, np.float32), (2.0, 1.0, 1.0))
    with pytest.raises(sdk.VolumeError, match="not finite"):
        window_in(volume, brain_of(volume), (1, 99))


def test_a_brain_that_is_given_is_taken_as_it_is():
    volume = volume_folders.head()
    given_brain = np.zeros(volume.shape, np.uint8)
    given_brain[3, 4, 5] = 7
    assert brain_of(replace(volume, brain=given_brain)).sum() == 1
    with pytest.raises(sdk.VolumeError, match="no brain"):
        brain_of(replace(volume, brain=0 * given_brain))
