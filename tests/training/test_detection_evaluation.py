"""Thresholds and numbers of detectors hold where the device applies them, and without lesions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.detection_evaluation import best_threshold, summary
from training.detection_metrics import SubjectFindings


def subject(scores: list[float], lesions: int) -> SubjectFindings:
    """Candidates in a row; the first of them lie on the lesions."""
    places = np.array([[10.0 * i, 0.0, 0.0] for i in range(len(scores))]).reshape(-1, 3)
    return SubjectFindings(
        candidates_mm=places,
        scores=np.array(scores),
        lesions_mm=places[:lesions],
        diameters_mm=np.full(lesions, 4.0),
    )


@pytest.mark.parametrize(("scores", "lesions"), [([0.9, 0.8, 0.7], 2), ([0.9], 1), ([0.9, 0.8], 2)])
def test_what_lies_above_the_best_threshold_is_what_it_was_chosen_for(
    scores: list[float], lesions: int
) -> None:
    """The kernels keep scores above a threshold, not the one that equals it."""
    threshold = best_threshold([subject(scores, lesions)])
    assert sum(score > threshold for score in scores) == lesions


def test_without_lesions_there_is_no_sensitivity() -> None:
    numbers = summary([subject([0.9, 0.2], 0)], 0.5)["within_3_mm"]
    assert math.isnan(numbers["sensitivity"])
    assert math.isnan(numbers["sensitivity_low"])
    assert numbers["false_positives_per_crop"] == 1
