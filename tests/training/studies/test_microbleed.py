"""Scores of the microbleed study."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sdk.tasks.microbleeds import Microbleed
from training.studies.microbleed import STUDIES, _scores, at_equal_sensitivity
from training.subject_evaluation import Detections


def bleed(z: float, score: float) -> Microbleed:
    place = (z, 0.0, 0.0)
    return Microbleed(voxel=place, centre_mm=place, patient_mm=place, diameter_mm=4.0, score=score)


def detections(*candidates: Microbleed) -> Detections:
    truth: Any = SimpleNamespace(
        lesions_mm=np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]]), diameters_mm=np.full(2, 4.0)
    )
    return Detections(subject=truth, candidates=list(candidates))


def test_counts_are_those_of_each_subject() -> None:
    one = detections(bleed(1.0, 0.9), bleed(20.0, 0.8), bleed(54.0, 0.7))
    two = detections(bleed(50.0, 0.4))
    scores = _scores([one, two], [one.above(0.5), two.above(0.5)])
    assert scores["found"] == [1.0, 0.0]
    assert scores["found_5_mm"] == [2.0, 0.0]
    assert scores["false"] == [2.0, 0.0]
    assert scores["lesions"] == [2.0, 2.0]
    assert scores["twice_found"] == [2.0, 0.0]
    assert scores["candidates_and_lesions"] == [5.0, 2.0]
    assert all(np.isnan(scores["right"]))
    asked = {name for column in STUDIES[0].columns for name in (column.score, column.per) if name}
    assert asked <= set(scores)


def test_false_positives_are_compared_at_one_sensitivity() -> None:
    one = detections(bleed(0.0, 0.9), bleed(20.0, 0.8), bleed(50.0, 0.7), bleed(30.0, 0.1))
    (strict,) = at_equal_sensitivity([one.findings()])
    assert strict.scores.tolist() == [0.9, 0.8, 0.7]


def test_where_the_sensitivity_is_never_reached_everything_counts() -> None:
    one = detections(bleed(0.0, 0.9), bleed(30.0, 0.1))
    (lenient,) = at_equal_sensitivity([one.findings()])
    assert len(lenient.scores) == 2


def test_each_stage_adds_one_part() -> None:
    rpn, fused, whole = (training.recipe for training in STUDIES[0].trainings)
    assert (rpn.network.fusion, rpn.hard_samples) == (False, False)
    assert (fused.network.fusion, fused.hard_samples) == (True, False)
    assert (whole.network.fusion, whole.hard_samples) == (True, True)
