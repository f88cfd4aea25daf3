"""Metrics agree with naive oracles and with published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.metrics import (
    accuracy,
    bootstrap_interval,
    confusion,
    dice,
    ordinal_error,
    wilson_interval,
)

MASKS = arrays(np.bool_, (5, 7))
GRADES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


@given(MASKS, MASKS)
def test_dice_follows_sets(a: np.ndarray, b: np.ndarray) -> None:
    first = {tuple(at) for at in np.argwhere(a).tolist()}
    second = {tuple(at) for at in np.argwhere(b).tolist()}
    total = len(first) + len(second)
    expected = 1.0 if total == 0 else 2 * len(first & second) / total
    assert dice(a, b) == pytest.approx(expected)


def test_dice_refuses_masks_of_two_sizes() -> None:
    with pytest.raises(ValueError, match=r"one shape.*\(2, 2\) and \(3, 3\)"):
        dice(np.zeros((2, 2), bool), np.zeros((3, 3), bool))


@given(GRADES)
def test_grades_follow_loops(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = zip(*pairs, strict=True)
    assert accuracy(predicted, truth) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    assert ordinal_error(predicted, truth) == pytest.approx(
        sum(abs(a - b) for a, b in pairs) / len(pairs)
    )
    counts = confusion(predicted, truth, 3)
    for row in range(3):
        for column in range(3):
            assert counts[row, column] == sum(pair == (column, row) for pair in pairs)


def test_wilson_interval_meets_the_textbook() -> None:
    # Newcombe, Statistics in Medicine 17:857-872 (1998), table I, 81 of 263.
    estimate = wilson_interval(81, 263)
    assert (estimate.low, estimate.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_wilson_refuses_impossible_counts(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} of {trials}"):
        wilson_interval(successes, trials)


def test_bootstrap_brackets_the_mean_and_narrows_with_more_frames() -> None:
    scores = np.random.default_rng(0).random(400)
    wide, narrow = bootstrap_interval(scores[:40]), bootstrap_interval(scores)
    assert narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < wide.high - wide.low
    assert narrow == bootstrap_interval(scores)


def test_bootstrap_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([])
