"""Non-maximum suppression against a greedy loop over pairs."""

import numpy as np
import pytest
from box_oracles import crowd
from hypothesis import given
from hypothesis import strategies as st

from sdk import kernels

ONE = np.array([[0, 0, 4, 4]], np.float32)
SCORE = np.ones(1, np.float32)


def overlaps(one, others):
    """Intersections and unions in float32, as the kernel defines them."""
    d = len(one) // 2
    sides = np.minimum(one[d:], others[:, d:]) - np.maximum(one[:d], others[:, :d])
    shared = np.multiply.reduce(np.maximum(sides, 0), 1)
    measures = np.multiply.reduce(others[:, d:] - others[:, :d], 1)
    return shared, np.multiply.reduce(one[d:] - one[:d]) + measures - shared


def naive_nms(boxes, scores, iou_threshold, classes=None, min_distance=0.0):
    d = boxes.shape[1] // 2
    centres = (boxes[:, :d] + boxes[:, d:]) / 2
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        shared, union = overlaps(boxes[i], boxes[kept])
        falls = shared > np.float32(iou_threshold) * union
        falls |= np.sum((centres[kept] - centres[i]) ** 2, 1) < min_distance**2
        if classes is not None:
            falls &= classes[kept] == classes[i]
        if not falls.any():
            kept.append(i)
    return kept


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 300])
def test_equals_the_greedy_loop(cpu_target, d, n):
    boxes, scores = crowd(n, n, d)
    for threshold in (0.0, 0.1, 0.5, 1.0):
        kept = kernels.nms(boxes, scores, threshold)
        np.testing.assert_array_equal(kept, naive_nms(boxes, scores, threshold))


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 300])
def test_keeps_the_same_boxes_on_every_device(device, d, n):
    boxes, scores = crowd(n, n, d)
    classes = np.random.default_rng(n).integers(0, 2, n).astype(np.int32)
    for threshold in (0.0, 0.3, 1.0):
        for given_classes in (None, classes):
            kept = kernels.nms(
                device.put(boxes), device.put(scores), threshold, classes=device.put(given_classes)
            )
            expected = naive_nms(boxes, scores, threshold, given_classes)
            np.testing.assert_array_equal(kept, expected)


@given(st.data(), st.sampled_from([2, 3]), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_equals_the_greedy_loop_on_ties_and_touching_boxes(device, data, d, threshold):
    row = st.tuples(*[st.integers(0, 4)] * d, *[st.integers(1, 3)] * d)
    rows = np.array(data.draw(st.lists(row, max_size=24)), np.float32).reshape(-1, 2 * d)
    boxes = np.concatenate([rows[:, :d], rows[:, :d] + rows[:, d:]], 1)
    n = len(boxes)
    scores = np.array(data.draw(st.lists(st.integers(-2, 2), min_size=n, max_size=n)), np.float32)
    classes = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), np.int32)
    for given_classes in (None, classes):
        kept = kernels.nms(
            device.put(boxes), device.put(scores), threshold, classes=device.put(given_classes)
        )
        np.testing.assert_array_equal(kept, naive_nms(boxes, scores, threshold, given_classes))


@pytest.mark.parametrize("d", [2, 3])
def test_closes_gaps_without_losing_a_box(cpu_target, d):
    boxes, scores = crowd(7, 1200, d, spread=300.0)
    classes = np.random.default_rng(0).integers(0, 3, 1200).astype(np.int32)
    kept = kernels.nms(boxes, scores, 0.05, classes=classes)
    np.testing.assert_array_equal(kept, naive_nms(boxes, scores, 0.05, classes))


def test_classes_are_compared_and_never_added_to_coordinates():
    far = np.array([[2e6, 2e6, 2e6 + 8, 2e6 + 8]] * 2, np.float32)
    scores = np.array([0.5, 0.9], np.float32)
    apart = kernels.nms(far, scores, 0.5, classes=np.array([0, 1], np.int32))
    np.testing.assert_array_equal(apart, [1, 0])
    np.testing.assert_array_equal(kernels.nms(far, scores, 0.5), [1])


@pytest.mark.parametrize("d", [2, 3])
def test_centres_closer_than_the_distance_are_one(device, d):
    boxes, scores = crowd(3, 200, d)
    options = kernels.NmsOptions(iou_threshold=0.1, min_distance=7.5)
    expected = naive_nms(boxes, scores, 0.1, min_distance=7.5)
    kept = kernels.nms(device.put(boxes), device.put(scores), options)
    np.testing.assert_array_equal(kept, expected)
    assert len(expected) < len(kernels.nms(boxes, scores, 0.1))


def test_keeps_the_best_when_only_so_many_may_be_kept(device):
    boxes, scores = crowd(5, 400, 3)
    every = kernels.nms(boxes, scores, 0.2)
    for most in (0, 1, 7, len(every), 1000):
        options = kernels.NmsOptions(iou_threshold=0.2, max_kept=most)
        kept = kernels.nms(device.put(boxes), device.put(scores), options)
        np.testing.assert_array_equal(kept, every[:most])


def test_equal_scores_are_taken_by_index_and_both_zeros_are_equal():
    apart = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]], np.float32)
    for scores in ([1, 1, 1], [-0.0, 0.0, -0.0]):
        kept = kernels.nms(apart, np.array(scores, np.float32), 0.5)
        np.testing.assert_array_equal(kept, [0, 1, 2])


def test_a_workspace_is_reused_and_its_result_is_a_view():
    workspace = kernels.BoxWorkspace()
    boxes, scores = crowd(1, 100, 3)
    first = kernels.nms(boxes, scores, 0.3, workspace=workspace)
    again = kernels.nms(boxes[:50], scores[:50], 0.3, workspace=workspace)
    assert np.shares_memory(first, again)
    np.testing.assert_array_equal(again, naive_nms(boxes[:50], scores[:50], 0.3))


def test_reads_rows_that_are_not_next_to_each_other():
    boxes, scores = crowd(2, 60, 2)
    kept = kernels.nms(boxes[::2], scores[::2].copy(), 0.3)
    np.testing.assert_array_equal(kept, naive_nms(boxes[::2], scores[::2], 0.3))


NO_BOXES = [
    ([0, 0, 0, 4], 1.0),
    ([0, 4, 4, 0], 1.0),
    ([np.nan, 0, 4, 4], 1.0),
    ([0, 0, np.inf, 4], 1.0),
    ([-3e38, 0, 3e38, 4], 1.0),
    ([0, 0, 1e-30, 1e-30], 1.0),
    ([0, 0, 4, 4], np.nan),
    ([0, 0, 4, 4], np.inf),
]


@pytest.mark.parametrize(("box", "score"), NO_BOXES)
def test_a_box_that_is_none_is_refused_or_dropped(device, box, score):
    boxes = device.put(np.array([[0, 0, 4, 4], box, [9, 9, 12, 12]], np.float32))
    scores = device.put(np.array([0.5, score, 0.6], np.float32))
    with pytest.raises(ValueError, match=r"got box 1 .*invalid"):
        kernels.nms(boxes, scores, 0.5)
    options = kernels.NmsOptions(iou_threshold=0.5, invalid="drop")
    np.testing.assert_array_equal(kernels.nms(boxes, scores, options), [2, 0])


@pytest.mark.parametrize(
    ("boxes", "scores", "options", "message"),
    [
        (ONE.astype(np.float64), SCORE, 0.5, "boxes must be float32, got float64"),
        (ONE.astype(np.float16), SCORE, 0.5, "boxes must be float32, got float16"),
        (ONE[:, :3], SCORE, 0.5, r"boxes must be \(n, 4\) or \(n, 6\), got float32 \(1, 3\)"),
        (ONE[0], SCORE, 0.5, "boxes must be 2-dimensional"),
        (ONE, SCORE[:0], 0.5, r"scores must have one value per box, \(1,\), got float32 \(0,\)"),
        (ONE, SCORE, 1.5, "iou_threshold must be from 0 to 1, got 1.5"),
        (ONE, SCORE, float("nan"), "iou_threshold must be from 0 to 1"),
    ],
)
def test_refuses_and_says_why(boxes, scores, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.nms(boxes, scores, options)


def test_refuses_classes_of_another_type_or_number():
    with pytest.raises(TypeError, match="classes must be int32, got int64"):
        kernels.nms(ONE, SCORE, 0.5, classes=np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="classes must have one value per box"):
        kernels.nms(ONE, SCORE, 0.5, classes=np.zeros(2, np.int32))


@pytest.mark.parametrize("wrong", [{"min_distance": -1.0}, {"max_kept": -1}, {"invalid": "ignore"}])
def test_options_are_checked_when_they_are_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.NmsOptions(**{"iou_threshold": 0.5, **wrong})
