"""Soft non-maximum suppression against a loop that rescales every score."""

import numpy as np
import pytest
from box_oracles import crowd, iou

from sdk import kernels


def naive_soft_nms(boxes, scores, options, classes=None):
    boxes, left = boxes.astype(np.float64), scores.astype(np.float64)
    picked, decayed = [], []
    while len(left) and left.max() > options.score_threshold:
        best = int(np.argmax(left))
        picked.append(best)
        decayed.append(left[best])
        overlap = iou(boxes[best], boxes)
        if options.decay == "linear":
            factor = np.where(overlap > options.iou_threshold, 1 - overlap, 1.0)
        else:
            factor = np.exp(-(overlap**2) / options.sigma)
        if classes is not None:
            factor[classes != classes[best]] = 1.0
        left = left * factor
        left[best] = -1.0
    return picked, decayed


@pytest.mark.parametrize("decay", ["linear", "gaussian"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("n", [0, 1, 40, 200])
def test_equals_the_loop(cpu_target, decay, d, n):
    boxes, scores = crowd(n + d, n, d)
    options = kernels.SoftNmsOptions(decay=decay, score_threshold=0.02)
    kept, decayed = kernels.soft_nms(boxes, scores, options)
    expected, expected_scores = naive_soft_nms(boxes, scores, options)
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_allclose(decayed, expected_scores, rtol=2e-5)


def test_classes_do_not_touch_each_other():
    boxes, scores = crowd(1, 120, 3)
    classes = np.random.default_rng(0).integers(0, 3, 120).astype(np.int32)
    options = kernels.SoftNmsOptions()
    kept, decayed = kernels.soft_nms(boxes, scores, options, classes=classes)
    expected, expected_scores = naive_soft_nms(boxes, scores, options, classes)
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_allclose(decayed, expected_scores, rtol=2e-5)


def test_every_instruction_set_gives_the_same_bits(cpu_target):
    from sdk import _native

    boxes, scores = crowd(9, 300, 3)
    _, here = kernels.soft_nms(boxes, scores)
    _native.limit_cpu_target("baseline")
    _, baseline = kernels.soft_nms(boxes, scores)
    np.testing.assert_array_equal(here, baseline)


def test_keeps_the_first_picks_when_only_so_many_may_be_kept():
    boxes, scores = crowd(4, 100, 2)
    every, _ = kernels.soft_nms(boxes, scores)
    few, few_scores = kernels.soft_nms(boxes, scores, kernels.SoftNmsOptions(max_kept=5))
    np.testing.assert_array_equal(few, every[:5])
    assert len(few_scores) == 5


def test_a_second_copy_of_a_box_vanishes_under_linear_decay():
    boxes = np.array([[0, 0, 4, 4]] * 2, np.float32)
    scores = np.array([0.9, 0.9], np.float32)
    options = kernels.SoftNmsOptions(decay="linear", score_threshold=0.0)
    np.testing.assert_array_equal(kernels.soft_nms(boxes, scores, options)[0], [0])


def test_refuses_negative_scores():
    boxes, scores = crowd(0, 3, 2)
    scores[2] = -0.5
    with pytest.raises(ValueError, match=r"scores must not be negative.* at 2"):
        kernels.soft_nms(boxes, scores)


def test_a_box_that_is_none_is_refused_or_dropped():
    boxes, scores = crowd(0, 3, 2)
    boxes[1, 0] = np.nan
    with pytest.raises(ValueError, match="got box 1"):
        kernels.soft_nms(boxes, scores)
    kept, _ = kernels.soft_nms(boxes, scores, kernels.SoftNmsOptions(invalid="drop"))
    assert 1 not in kept


@pytest.mark.parametrize(
    "wrong", [{"sigma": 0.0}, {"decay": "cubic"}, {"score_threshold": -0.1}, {"iou_threshold": 2}]
)
def test_options_are_checked_when_they_are_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.SoftNmsOptions(**wrong)
