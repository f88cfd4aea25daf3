"""Thresholds belong to a precision: scores that were rounded want one of their own."""

import pytest
from bleeds import finding

from calibration.volumes.findings import Finding, counted, same_region, tuned_threshold
from sdk import Region


def test_hits_and_false_positives_are_counted_above_the_threshold():
    found = counted([finding(0.9, 0.6, 0.7, 0.4)], 0.6)
    assert (found.true_positives, found.false_positives, found.false_negatives) == (1, 1, 1)


def test_uncertain_bleeds_are_neither_found_nor_false():
    found = counted([finding(0.9, 0.8, 0.7, 0.6, uncertain=[2])], 0.5)
    assert (found.true_positives, found.false_positives, found.false_negatives) == (2, 1, 0)


def test_a_threshold_that_is_as_good_stays():
    reference = [finding(0.9, 0.8, 0.3)]
    assert tuned_threshold(reference, [finding(0.85, 0.75, 0.3)], 0.5) == 0.5


def test_scores_that_fell_bring_the_threshold_down():
    reference = [finding(0.9, 0.6, 0.3)]
    lower = [finding(0.8, 0.45, 0.3)]
    assert counted(lower, 0.5).true_positives == 1
    threshold = tuned_threshold(reference, lower, 0.5)
    assert 0.3 <= threshold < 0.45
    assert counted(lower, threshold).true_positives == 2
    assert counted(lower, threshold).false_positives == 0


def test_scores_that_rose_bring_the_threshold_up():
    reference = [finding(0.9, 0.8, 0.4)]
    higher = [finding(0.95, 0.9, 0.6)]
    threshold = tuned_threshold(reference, higher, 0.5)
    assert 0.6 <= threshold < 0.9
    assert counted(higher, threshold).false_positives == 0


def test_where_the_sensitivity_is_lost_the_best_f1_is_taken():
    reference = [finding(0.9, 0.8)]
    lost = [finding(0.7, 0.0, 0.6, 0.55, lesions=2)]
    only = Finding(
        found=lost[0].found[:3], lesions=lost[0].lesions, uncertain=lost[0].uncertain,
        spacing_mm=(1.0, 1.0, 1.0),
    )  # fmt: skip
    threshold = tuned_threshold(reference, [only], 0.5)
    assert 0.6 <= threshold < 0.7


def test_nothing_found_leaves_the_threshold_alone():
    assert tuned_threshold([finding(0.9, 0.8)], [finding()], 0.5) == 0.5


@pytest.mark.parametrize(("region", "share"), [(Region.LOBAR, 1.0), (Region.DEEP, 0.0)])
def test_regions_are_compared_where_both_find(region, share):
    thresholds = {"reference": 0.5, "findings": 0.5}
    reference, others = [finding(0.9, 0.8)], [finding(0.9, 0.3, region=region)]
    assert same_region(reference, others, thresholds) == share
    assert same_region(reference, [finding()], thresholds) == 1.0
