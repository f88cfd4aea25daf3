"""Crops and patches show what the device would see, with their truth in their own voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.datasets.brain_pool import (
    FINE_SPACING_MM,
    IGNORED,
    INSET,
    LESION,
    CropPool,
    crop,
    crop_pool,
    patch,
    patch_pool,
)

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> CropPool:
    return crop_pool(tmp_path_factory.mktemp("pool"), range(100, 104), SIDE, workers=1)


def test_every_second_crop_holds_a_bleed(pool: CropPool) -> None:
    assert [(kinds == LESION).any() for kinds in pool.kinds] == [True, False, True, False]


def test_bleeds_are_dark_where_the_truth_says(pool: CropPool) -> None:
    for images, lesions, kinds in zip(pool.images, pool.lesions, pool.kinds, strict=True):
        for z, y, x, diameter in lesions[kinds == LESION]:
            at = tuple(int(np.clip(round(float(c)), 0, SIDE - 1)) for c in (z, y, x))
            assert images[0][at] < 0.6 * np.median(images[0])
            assert diameter >= 2.0 / FINE_SPACING_MM[1]


def test_the_bleed_of_a_crop_keeps_away_from_its_border(pool: CropPool) -> None:
    for lesions, kinds in zip(pool.lesions[::2], pool.kinds[::2], strict=True):
        inset = np.minimum(lesions[:, :3], SIDE - 1 - lesions[:, :3]).min(axis=1)
        assert inset[kinds == LESION].max() >= INSET - 2
        assert (kinds[inset < -0.5] != LESION).all()


def test_a_seed_is_a_crop(pool: CropPool) -> None:
    for made, kept in zip(crop(100, SIDE), (pool.images, pool.lesions, pool.kinds), strict=True):
        np.testing.assert_array_equal(made, kept[0])


def test_a_kept_pool_is_read_again(tmp_path: Path) -> None:
    first = patch_pool(tmp_path, range(2), (4, 16, 16), workers=1)
    marker = next(tmp_path.rglob("images.npy")).stat().st_mtime_ns
    again = patch_pool(tmp_path, range(2), (4, 16, 16), workers=1)
    assert next(tmp_path.rglob("images.npy")).stat().st_mtime_ns == marker
    np.testing.assert_array_equal(first.regions, again.regions)
    assert len(again) == 2


def test_a_patch_knows_where_in_the_brain_it_lies() -> None:
    ends = np.stack([patch(seed, (4, 16, 16))[1] for seed in range(3)])
    assert (ends[:, :, 1] > ends[:, :, 0]).all()
    assert np.abs(ends).max() < 1.3
    assert np.ptp(ends[:, :, 0], axis=0).max() > 0.1


def test_bleeds_beyond_the_crop_are_ignored(pool: CropPool) -> None:
    assert set(np.unique(pool.kinds)) <= {0, LESION, IGNORED}
