"""Scores of masks against naive counting."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from flood import flood

from training.mask_metrics import area_under_roc, centreline_dice, components, mask_scores
from training.metrics import dice


def naive_auc(scores: np.ndarray, truth: np.ndarray) -> float:
    pairs = list(product(scores[truth].tolist(), scores[~truth].tolist()))
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(4))
def test_scores_by_counting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((9, 11)) > 0.7
    probability = np.round(rng.random((9, 11)) * 0.7 + truth * 0.3, 1)  # with ties
    predicted = probability > 0.5
    cells = [(bool(p), bool(t)) for p, t in zip(predicted.flat, truth.flat, strict=True)]
    tp, fp, fn, tn = (cells.count(c) for c in product((True, False), repeat=2))
    scores = mask_scores(probability, truth)
    assert scores.dsc == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert scores.acc == pytest.approx((tp + tn) / len(cells))
    assert scores.sen == pytest.approx(tp / (tp + fn))
    assert scores.spe == pytest.approx(tn / (tn + fp))
    assert scores.iou == pytest.approx(tp / (tp + fp + fn))
    assert scores.auc == pytest.approx(naive_auc(probability, truth))
    counts = [1 + flood(mask, 8).max() for mask in (predicted, truth)]
    assert scores.vc == counts[0] / counts[1]


def test_diagonal_neighbours_are_one_component() -> None:
    assert components(np.eye(4, dtype=bool)) == 2


def test_centreline_dice_of_a_shorter_and_thicker_vessel() -> None:
    """A line of 20 against its first 10 pixels: all of the one, half of the other."""
    truth, predicted = np.zeros((2, 9, 24), bool)
    truth[4, 2:22] = True
    predicted[4, 2:12] = True
    assert centreline_dice(predicted, truth) == pytest.approx(2 * 1.0 * 0.5 / 1.5)
    thick = truth.copy()
    thick[3:6, 2:22] = True
    assert centreline_dice(thick, truth) > 0.95
    assert dice(thick, truth) == 0.5


def test_empty_masks() -> None:
    empty, line = np.zeros((2, 8, 8), bool)
    line[3] = True
    assert centreline_dice(empty, empty) == 1.0
    assert centreline_dice(line, empty) == centreline_dice(empty, line) == 0.0
    assert np.isnan(area_under_roc(np.zeros((8, 8)), empty))
    scores = mask_scores(np.zeros((8, 8)), empty)
    assert (scores.dsc, scores.iou, scores.acc, scores.vc) == (1.0, 1.0, 1.0, 1.0)
    assert np.isnan(scores.sen)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        mask_scores(np.zeros((3, 4)), np.zeros((4, 3), bool))
