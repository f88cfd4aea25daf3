"""Detectors are judged by bleeds and false positives, regions by the voxels they share."""

import numpy as np
import pytest
from bleeds import finding

from calibration.agreement import Tolerance, gain, nothing_to_judge
from calibration.volumes.agreement import LesionAgreement, RegionAgreement

TOLERANCE = Tolerance()


def agreement(expected, got, threshold=0.5):
    found = LesionAgreement(deployed=0.5, threshold=threshold)
    for one, other in zip(expected, got, strict=True):
        found.add(one, other)
    return found


def test_a_lost_bleed_falls_short():
    found = agreement([finding(0.9, 0.8)], [finding(0.9, 0.4)])
    (said,) = found.shortfalls(TOLERANCE)
    assert said.startswith("sensitivity 0.5000 at threshold 0.5, expected 1.0000 of FP32")
    assert found.shortfalls(Tolerance(max_lost_sensitivity=0.5)) == []


def test_false_positives_are_counted_per_subject():
    expected = [finding(0.9, 0.8)] * 4
    got = [finding(0.9, 0.8, 0.7), *expected[1:]]
    found = agreement(expected, got)
    assert found.summary()["false_positives"] == 0.25
    (said,) = found.shortfalls(TOLERANCE)
    assert said.startswith("0.2500 false positives per subject")
    assert found.shortfalls(Tolerance(max_more_false_positives=0.25)) == []


def test_without_a_threshold_the_best_one_is_taken():
    lower = agreement([finding(0.9, 0.6)], [finding(0.9, 0.4)], threshold=None)
    assert lower.shortfalls(TOLERANCE) == []
    assert lower.summary()["threshold"] < 0.4


def test_a_bleed_that_is_lost_counts_one():
    good, bad = (agreement([finding(0.9, 0.8)], [finding(0.9, s)]) for s in (0.8, 0.4))
    assert gain(good, bad) == 1
    assert gain(bad, good) == -1


def test_nothing_to_find_is_said_in_numbers():
    found = agreement([finding(lesions=0)], [finding(lesions=0)])
    assert found.summary()["sensitivity"] == 0.0
    assert found.shortfalls(TOLERANCE) == []


def test_regions_are_compared_voxel_by_voxel():
    labels = np.zeros((2, 4, 5), np.uint8)
    other = labels.copy()
    other[0, 0] = 1
    found = RegionAgreement()
    found.add(labels, labels)
    found.add(labels, other)
    assert found.summary()["same_voxels_mean"] == pytest.approx(1 - 5 / 80)
    assert found.shortfalls(TOLERANCE)[0].startswith("same region in 93.8% of the voxels")
    assert found.shortfalls(Tolerance(min_same_region=0.9)) == []


def test_bleeds_that_fp32_misses_tell_nothing():
    missed = agreement([finding(0.4), finding(0.3)], [finding(0.4), finding(0.3)])
    assert missed.blind().startswith("FP32 finds none of the 4 bleeds of the 2 held-out subjects")
    assert nothing_to_judge({("fp32", "int8"): missed}) == missed.blind()
    assert agreement([finding(0.9), finding(0.3)], [finding(0.9), finding(0.3)]).blind() == ""
