"""A pool is the same whoever fills it, and its crops know what they cannot show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.datasets.angiogram_pool import AngiogramPool, cached, generate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pool() -> AngiogramPool:
    """Nine small frames, three of each grade."""
    return generate(range(50, 59), 256, workers=1)


def test_workers_do_not_change_the_pool(pool: AngiogramPool) -> None:
    other = generate(range(50, 59), 256, workers=2)
    assert np.array_equal(pool.inputs, other.inputs)
    assert np.array_equal(pool.vessels, other.vessels)


def test_grades_are_balanced(pool: AngiogramPool) -> None:
    assert np.bincount(pool.grades).tolist() == [3, 3, 3]


def test_a_cached_pool_is_the_generated_one(pool: AngiogramPool, tmp_path: Path) -> None:
    for _ in range(2):
        kept = cached(tmp_path, range(50, 59), 256, workers=1)
        assert np.array_equal(kept.inputs, pool.inputs)
        assert np.array_equal(kept.severities, pool.severities)


def test_augmentation_moves_pixels_and_truth_together(pool: AngiogramPool) -> None:
    """Pixels that are the truth itself stay the truth, whatever is done to the geometry."""
    truths = np.unpackbits(pool.vessels, axis=-1)
    own = replace(pool, inputs=truths * 255)
    batch = own.augmented(np.random.default_rng(0), 12, 128)
    assert batch.vessels.sum() > 0
    for pixels, truth in zip(batch.inputs, batch.vessels, strict=True):
        level = pixels > 0.5
        assert np.array_equal(level, truth > 0) or np.array_equal(~level, truth > 0)


def test_a_crop_does_not_answer_for_filling_and_collimation(pool: AngiogramPool) -> None:
    global_axes = np.zeros_like(pool.severities)
    global_axes[:, 1] = 0.9
    hidden = replace(pool, severities=global_axes)
    assert hidden.augmented(np.random.default_rng(0), 6, 128).visible.sum() == 0
    assert hidden.augmented(np.random.default_rng(0), 6, 256).visible.sum() == 6


def test_equal_generators_give_equal_batches(pool: AngiogramPool) -> None:
    first, second = (pool.augmented(np.random.default_rng(4), 4, 128) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
