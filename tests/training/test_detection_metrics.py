"""Detection scores agree with a naive count and with the published fractions."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from training.detection_metrics import (
    DetectionScore,
    SubjectFindings,
    false_positives,
    froc,
    match,
    score,
    without_doubtful,
)


def subject(seed: int, candidates: int = 12, lesions: int = 5) -> SubjectFindings:
    rng = np.random.default_rng(seed)
    return SubjectFindings(
        candidates_mm=rng.uniform(0, 14, (candidates, 3)),
        scores=np.round(rng.random(candidates), 1),
        lesions_mm=rng.uniform(0, 14, (lesions, 3)),
        diameters_mm=rng.uniform(2, 10, lesions),
    )


def naive_match(found: SubjectFindings, tolerance: float) -> list[bool]:
    """One candidate after the other, one lesion after the other."""
    order = sorted(range(len(found.scores)), key=lambda i: (-found.scores[i], i))
    taken: set[int] = set()
    hits = [False] * len(found.scores)
    for i in order:
        best, nearest = None, math.inf
        for j, (lesion, d) in enumerate(zip(found.lesions_mm, found.diameters_mm, strict=True)):
            apart = [abs(a - b) for a, b in zip(found.candidates_mm[i], lesion, strict=True)]
            distance = math.sqrt(sum(a * a for a in apart))
            hit = distance <= tolerance or max(apart) <= d / 2
            if j not in taken and hit and distance < nearest:
                best, nearest = j, distance
        if best is not None:
            taken.add(best)
            hits[i] = True
    return hits


@pytest.mark.parametrize("tolerance", [3.0, 5.0])
@pytest.mark.parametrize("seed", range(8))
def test_matching_is_what_a_naive_loop_does(seed: int, tolerance: float) -> None:
    found = subject(seed)
    assert match(found, tolerance).tolist() == naive_match(found, tolerance)


@pytest.mark.parametrize("seed", range(4))
def test_a_point_of_the_curve_is_the_score_at_its_threshold(seed: int) -> None:
    subjects = [subject(seed), subject(seed + 50, candidates=3), subject(seed + 90, lesions=0)]
    curve = froc(subjects)
    assert len(curve.thresholds) == len(set(np.concatenate([s.scores for s in subjects])))
    for index, threshold in enumerate(curve.thresholds):
        strict = [
            SubjectFindings(
                candidates_mm=s.candidates_mm[s.scores >= threshold],
                scores=s.scores[s.scores >= threshold],
                lesions_mm=s.lesions_mm,
                diameters_mm=s.diameters_mm,
            )
            for s in subjects
        ]
        for counted in (score(subjects, threshold=threshold), score(strict)):
            assert curve.sensitivity[index] == pytest.approx(counted.sensitivity)
            assert curve.precision[index] == pytest.approx(counted.precision)
            assert curve.false_positives_per_subject[index] == pytest.approx(
                counted.false_positives_per_subject
            )


def test_a_lesion_is_found_once() -> None:
    twice = SubjectFindings(
        candidates_mm=np.array([[0.0, 0, 1], [0, 0, 0]]),
        scores=np.array([0.9, 0.8]),
        lesions_mm=np.zeros((1, 3)),
        diameters_mm=np.array([2.0]),
    )
    counted = score([twice])
    assert (counted.true_positives, counted.false_positives, counted.false_negatives) == (1, 1, 0)


def test_the_order_of_the_lesions_does_not_matter() -> None:
    found = subject(3, candidates=6, lesions=4)
    for order in permutations(range(4)):
        same = SubjectFindings(
            candidates_mm=found.candidates_mm,
            scores=found.scores,
            lesions_mm=found.lesions_mm[list(order)],
            diameters_mm=found.diameters_mm[list(order)],
        )
        assert match(same, 3.0).tolist() == match(found, 3.0).tolist()


def truncated(value: float, digits: int) -> float:
    return math.floor(value * 10**digits) / 10**digits


@pytest.mark.parametrize(
    ("found", "false", "sensitivity", "average"),
    [(70, 339, 93.33, 14.73), (71, 203, 94.66, 8.82), (71, 20, 94.66, 0.86), (71, 13, 94.66, 0.56)],
)
def test_the_published_fractions_come_out(
    found: int, false: int, sensitivity: float, average: float
) -> None:
    counted = DetectionScore(
        true_positives=found, false_positives=false, false_negatives=75 - found, subjects=23
    )
    assert truncated(100 * counted.sensitivity, 2) == sensitivity
    assert truncated(counted.false_positives_per_subject, 2) == average


def test_precision_and_f1_of_the_published_counts() -> None:
    counted = DetectionScore(true_positives=71, false_positives=20, false_negatives=4, subjects=23)
    assert counted.precision == pytest.approx(0.780, abs=5e-4)
    assert counted.f1 == pytest.approx(0.855, abs=5e-4)
    assert counted.sensitivity_interval().low < counted.sensitivity


def test_sensitivity_at_a_rate_of_false_positives() -> None:
    curve = froc([subject(1), subject(2)])
    assert curve.sensitivity_at(1e9) == curve.sensitivity.max()
    assert curve.sensitivity_at(-1.0) == 0.0
    assert curve.sensitivity_at(1.0) <= curve.sensitivity_at(3.0)


def test_no_subjects_no_rate() -> None:
    with pytest.raises(ValueError, match="got none"):
        score([])


@pytest.mark.parametrize("tolerance", [3.0, 5.0])
@pytest.mark.parametrize("seed", range(6))
def test_no_other_pairing_finds_many_more(seed: int, tolerance: float) -> None:
    """Greedy pairs are one-to-one: no more than the largest matching, no less than half of it."""
    found = subject(seed, candidates=20, lesions=12)
    apart = np.abs(found.candidates_mm[:, None] - found.lesions_mm[None])
    near = np.sqrt((apart**2).sum(-1)) <= tolerance
    hit = near | (apart <= found.diameters_mm[None, :, None] / 2).all(-1)
    largest = int((maximum_bipartite_matching(csr_matrix(hit)) >= 0).sum())
    counted = score([found], tolerance_mm=tolerance)
    assert largest / 2 <= counted.true_positives <= largest
    assert counted.true_positives + counted.false_negatives == 12
    assert counted.true_positives + counted.false_positives == 20


def test_a_wider_tolerance_finds_what_lies_between() -> None:
    """4 mm beside a lesion of 2 mm: missed at 3 mm, found at 5 mm."""
    found = SubjectFindings(
        candidates_mm=np.array([[0.0, 4.0, 0.0]]),
        scores=np.array([0.9]),
        lesions_mm=np.zeros((1, 3)),
        diameters_mm=np.array([2.0]),
    )
    points = [froc([found], tolerance_mm=tolerance) for tolerance in (3.0, 5.0)]
    assert [curve.sensitivity.tolist() for curve in points] == [[0.0], [1.0]]
    assert [curve.false_positives_per_subject.tolist() for curve in points] == [[1.0], [0.0]]


@pytest.mark.parametrize("threshold", [-np.inf, 0.5])
def test_false_positives_of_each_add_up_to_their_mean(threshold: float) -> None:
    subjects = [subject(3), subject(4, lesions=0), subject(5, candidates=0)]
    each = false_positives(subjects, threshold=threshold)
    assert each.tolist() == [score([s], threshold=threshold).false_positives for s in subjects]
    assert each[1] == (subjects[1].scores >= threshold).sum()
    assert each.mean() == score(subjects, threshold=threshold).false_positives_per_subject


def test_doubtful_lesions_are_neither_found_nor_denied() -> None:
    """One candidate on a certain lesion, one on a doubtful one, one between both, one nowhere."""
    found = SubjectFindings(
        candidates_mm=np.array([[0.0, 0, 0], [0, 9, 0], [0, 2.5, 0], [0, 40, 0]]),
        scores=np.array([0.9, 0.8, 0.7, 0.6]),
        lesions_mm=np.zeros((1, 3)),
        diameters_mm=np.array([2.0]),
    )
    left = without_doubtful(found, np.array([[0.0, 8, 0], [0, 5, 0]]), np.array([4.0, 2.0]))
    assert left.scores.tolist() == [0.9, 0.7, 0.6]
    counted = score([left])
    assert (counted.true_positives, counted.false_positives) == (1, 2)
    assert without_doubtful(found, np.zeros((0, 3)), np.zeros(0)).scores.tolist() == (
        found.scores.tolist()
    )
