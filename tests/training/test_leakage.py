"""The leakage control finds a grade that statistics give away, and none where there is none."""

from __future__ import annotations

import numpy as np

from training.datasets.angiogram_pool import AngiogramPool
from training.leakage import leakage_accuracy, statistics
from training.phantoms.quality import AXES


def pool(seed: int, *, leaking: bool, count: int = 90) -> AngiogramPool:
    """Noise whose deviation tells the grade, or does not."""
    rng = np.random.default_rng(seed)
    grades = np.arange(count) % 3
    spread = 10.0 + 15.0 * grades if leaking else np.full(count, 25.0)
    inputs = 128 + rng.standard_normal((count, 32, 32)) * spread[:, None, None]
    return AngiogramPool(
        inputs=np.clip(inputs, 0, 255).astype(np.uint8),
        vessels=np.zeros((count, 32, 4), np.uint8),
        grades=grades.astype(np.int64),
        severities=np.zeros((count, len(AXES)), np.float32),
        subtracted=np.zeros(count, np.bool_),
    )


def test_finds_a_leak() -> None:
    training, test = pool(0, leaking=True), pool(1, leaking=True)
    assert leakage_accuracy(training, test).value > 0.9
    assert leakage_accuracy(training, test, hidden=0).value > 0.9


def test_finds_none_where_there_is_none() -> None:
    found = leakage_accuracy(pool(0, leaking=False), pool(1, leaking=False))
    assert found.low < 1 / 3 + 0.1


def test_statistics_are_few_and_finite() -> None:
    assert statistics(np.zeros((16, 16), np.uint8)).shape == (12,)
    assert np.isfinite(statistics(np.zeros((16, 16), np.uint8))).all()
