"""Scores of masks against naive counting."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from flood import flood
from scipy.stats import mannwhitneyu

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


@pytest.mark.parametrize("seed", range(4))
def test_the_published_relations_hold(seed: int) -> None:
    """DSC = 2PS / (P + S), IOU = DSC / (2 - DSC), and AUC is the statistic of Mann and Whitney."""
    rng = np.random.default_rng(100 + seed)
    truth = rng.random((40, 50)) > 0.8
    probability = np.clip(truth * 0.3 + rng.normal(0.3, 0.2, truth.shape), 0, 1).round(2)
    scores = mask_scores(probability, truth)
    predicted = probability > 0.5
    precision = (predicted & truth).sum() / predicted.sum()
    assert scores.dsc == pytest.approx(2 * precision * scores.sen / (precision + scores.sen))
    assert scores.iou == pytest.approx(scores.dsc / (2 - scores.dsc))
    statistic = mannwhitneyu(probability[truth], probability[~truth]).statistic
    assert scores.auc == pytest.approx(statistic / (truth.sum() * (~truth).sum()))


def test_a_broken_vessel_is_more_connected_components_than_a_whole_one() -> None:
    """With the background on both sides: 4 components of the prediction, 2 of the truth."""
    truth = np.zeros((9, 30), bool)
    truth[4, 1:29] = True
    broken = truth.copy()
    broken[4, [10, 20]] = False
    assert mask_scores(truth.astype(float), truth).vc == 1.0
    assert mask_scores(broken.astype(float), truth).vc == 4 / 2


def test_centreline_dice_by_lengths_of_a_fork() -> None:
    """A prediction that lacks one of two arms of 12 from a trunk of 20, and adds a line of 10."""
    truth, predicted = np.zeros((2, 40, 60), bool)
    truth[20, 5:25] = True
    for step in range(12):
        truth[20 - step, 25 + step] = truth[20 + step, 25 + step] = True
    predicted |= truth
    predicted[21:, 26:] = False
    predicted[38, 40:50] = True
    precision, sensitivity = 32 / 42, 32 / 43  # the fork's first pixel belongs to both arms
    expected = 2 * precision * sensitivity / (precision + sensitivity)
    assert centreline_dice(predicted, truth) == pytest.approx(expected)
    assert centreline_dice(truth, predicted) == centreline_dice(predicted, truth)
