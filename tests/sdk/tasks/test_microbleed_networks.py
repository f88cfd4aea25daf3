"""Answers of two backends are compared as a reader would: the same bleeds, the same labels."""

import numpy as np
import pytest

from sdk.tasks.microbleed_detection import MicrobleedDetection

TASK = MicrobleedDetection(tile=(32, 32, 32), halo=8, anchors=(8.0,), patch=(4, 8, 8))
DETECTOR, REGIONS = TASK.networks["detector"], TASK.networks["regions"]


def outputs(*cells):
    logits = np.full((1, 1, 8, 8, 8), -9.0, np.float32)
    for cell in cells:
        logits[(0, 0, *cell)] = 9.0
    return {"logits": logits, "offsets": np.zeros((1, 4, 8, 8, 8), np.float32)}


def agreement(expected, got):
    return DETECTOR.agreement(DETECTOR.read(outputs(*expected)), DETECTOR.read(outputs(*got)))


def test_neighbours_are_one_bleed_in_voxels_of_the_tile():
    centres = DETECTOR.read(outputs((2, 2, 2), (2, 2, 3), (6, 6, 6)))
    assert len(centres) == 2
    np.testing.assert_allclose(centres[-1], [25.5, 25.5, 25.5])


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ([], [], 1.0),
        ([(2, 2, 2)], [(2, 2, 2)], 1.0),
        ([(2, 2, 2)], [(2, 3, 2)], 1.0),  # one cell apart
        ([(2, 2, 2)], [(2, 4, 2)], 0.0),  # two
        ([(2, 2, 2)], [], 0.0),
        ([], [(2, 2, 2)], 0.0),
        ([(1, 1, 1), (6, 6, 6)], [(1, 1, 1)], 2 / 3),
    ],
)
def test_agreement_counts_bleeds_that_both_found(expected, got, same):
    assert agreement(expected, got) == {"same_bleeds": pytest.approx(same)}


def test_one_bleed_does_not_stand_for_two():
    far_apart_for_nms_near_for_matching = np.array([[10.0, 10, 10], [14.0, 10, 10]])
    one = np.array([[12.0, 10, 10]])
    found = DETECTOR.agreement(far_apart_for_nms_near_for_matching, one)
    assert found["same_bleeds"] == pytest.approx(2 / 3)


def test_labels_agree_voxel_by_voxel():
    one = np.zeros((4, 8, 8), np.uint8)
    other = one.copy()
    other[0] = 2
    assert REGIONS.agreement(one, one) == {"same_regions": 1.0}
    assert REGIONS.agreement(one, other) == {"same_regions": 0.75}
