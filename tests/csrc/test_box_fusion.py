"""Weighted box fusion against a loop over clusters."""

import numpy as np
import pytest
from box_oracles import crowd, iou

from sdk import kernels


def mean_box(members):
    boxes, scores = (np.array(part, np.float64) for part in zip(*members, strict=True))
    return (boxes * scores[:, None]).sum(0) / scores.sum()


def naive_fusion(boxes, scores, weights, iou_threshold, classes=None):
    """Returns fused boxes, scores, classes and members."""
    rows = [
        (float(np.float32(s) * np.float32(w)), b, 0 if classes is None else classes[m][i])
        for m, w in enumerate(weights)
        for i, (b, s) in enumerate(zip(boxes[m], scores[m], strict=True))
    ]
    clusters = []
    for score, box, class_ in sorted(rows, key=lambda row: -row[0]):
        best, most = None, np.float32(iou_threshold)
        for cluster in clusters:
            overlap = iou(box, mean_box(cluster["of"])[None].astype(np.float32))[0]
            if cluster["class"] == class_ and overlap > most:
                best, most = cluster, overlap
        if best is None:
            best = {"class": class_, "of": []}
            clusters.append(best)
        best["of"].append((box, score))
    total = sum(weights)
    fused = [
        (
            np.mean([s for _, s in c["of"]]) * min(len(c["of"]), len(weights)) / total,
            mean_box(c["of"]),
            c["class"],
            len(c["of"]),
        )
        for c in clusters
    ]
    return sorted(fused, key=lambda row: -row[0])


def networks(seed, d, n=30, count=3):
    """The same objects as several networks would find them; no two scores are equal."""
    rng = np.random.default_rng(seed)
    boxes, _ = crowd(seed, n, d, spread=150.0)
    seen = [(boxes + rng.normal(0, 0.8, boxes.shape)).astype(np.float32) for _ in range(count)]
    for one in seen:
        one[:, d:] = np.maximum(one[:, d:], one[:, :d] + np.float32(0.5))
    return seen, list(rng.uniform(0.1, 0.95, (count, n)).astype(np.float32))


def check(fused, expected):
    np.testing.assert_array_equal(fused.members, [row[3] for row in expected])
    np.testing.assert_allclose(fused.scores, [row[0] for row in expected], rtol=1e-6)
    np.testing.assert_allclose(fused.boxes, [row[1] for row in expected], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (2.0, 1.0, 0.5)])
def test_equals_the_loop(cpu_target, d, weights):
    boxes, scores = networks(d, d)
    options = kernels.FusionOptions(iou_threshold=0.4, weights=weights)
    fused = kernels.weighted_box_fusion(boxes, scores, options)
    check(fused, naive_fusion(boxes, scores, weights, 0.4))
    assert fused.classes is None


def test_boxes_of_different_classes_never_become_one():
    boxes, scores = networks(5, 3)
    classes = [np.random.default_rng(m).integers(0, 2, 30).astype(np.int32) for m in range(3)]
    fused = kernels.weighted_box_fusion(boxes, scores, classes=classes)
    expected = naive_fusion(boxes, scores, (1, 1, 1), 0.55, classes)
    check(fused, expected)
    np.testing.assert_array_equal(fused.classes, [row[2] for row in expected])


def test_what_one_network_alone_saw_loses_score():
    box = np.array([[0, 0, 4, 4]], np.float32)
    nothing = np.empty((0, 4), np.float32)
    score = np.array([0.9], np.float32)
    fused = kernels.weighted_box_fusion([box, nothing], [score, score[:0]])
    np.testing.assert_allclose(fused.scores, [0.45])
    np.testing.assert_array_equal(fused.boxes, box)


@pytest.mark.parametrize("scale", [1e-40, 0.5, 1.0, 2.0, 3e38, 1e300])
def test_only_ratios_of_weights_matter(scale):
    pair = np.array([[0, 0, 4, 4]], np.float32)
    boxes = [np.concatenate([pair, pair + np.float32(50)]), pair]
    scores = [np.array([0.8, 0.4], np.float32), np.array([0.6], np.float32)]
    for weights, expected in (((1.0, 1.0), (0.7, 0.2)), ((0.7, 0.3), (0.74, 0.28))):
        options = kernels.FusionOptions(weights=[scale * weight for weight in weights])
        fused = kernels.weighted_box_fusion(boxes, scores, options)
        np.testing.assert_allclose(fused.scores, expected, rtol=1e-6)


def test_no_boxes_give_no_boxes():
    nothing = np.empty((0, 6), np.float32)
    fused = kernels.weighted_box_fusion([nothing], [np.empty(0, np.float32)])
    assert fused.boxes.shape == (0, 6)
    assert fused.scores.shape == fused.members.shape == (0,)


def test_refuses_lists_of_different_lengths():
    boxes, scores = networks(0, 2)
    with pytest.raises(ValueError, match="scores must have one entry per network, 3, got 2"):
        kernels.weighted_box_fusion(boxes, scores[:2])
    with pytest.raises(ValueError, match="weights must have one entry per network"):
        kernels.weighted_box_fusion(boxes, scores, kernels.FusionOptions(weights=(1.0,)))
    with pytest.raises(ValueError, match="weights must have one entry per network, 3, got 0"):
        kernels.weighted_box_fusion(boxes, scores, kernels.FusionOptions(weights=()))
    with pytest.raises(ValueError, match="boxes must hold the boxes of one network"):
        kernels.weighted_box_fusion([], [])


def test_refuses_values_of_another_network_s_boxes():
    boxes, scores = networks(0, 2, count=2)
    classes = [np.zeros(30, np.int32)] * 2
    shifted = [scores[0][:-1], np.append(scores[1], np.float32(0.5))]
    with pytest.raises(
        ValueError, match=r"scores must have one value per box, \(30,\) from networ"
    ):
        kernels.weighted_box_fusion(boxes, shifted)
    shifted = [classes[0][:-1], np.zeros(31, np.int32)]
    with pytest.raises(
        ValueError, match=r"classes must have one value per box, \(30,\) from netwo"
    ):
        kernels.weighted_box_fusion(boxes, scores, classes=shifted)
    with pytest.raises(ValueError, match=r"boxes must be \(n, 4\) of every network"):
        kernels.weighted_box_fusion([boxes[0], np.zeros((30, 6), np.float32)], scores)


def test_refuses_scores_that_are_not_positive_and_boxes_that_are_none():
    boxes, scores = networks(0, 2)
    scores[1][4] = 0.0
    with pytest.raises(ValueError, match="scores must be positive"):
        kernels.weighted_box_fusion(boxes, scores)
    scores[1][4] = 0.5
    boxes[0][2] = np.inf
    with pytest.raises(ValueError, match=r"got box 2 .*invalid"):
        kernels.weighted_box_fusion(boxes, scores)
    options = kernels.FusionOptions(invalid="drop")
    fused = kernels.weighted_box_fusion(boxes, scores, options)
    assert fused.members.sum() == 3 * 30 - 1


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, bool])
def test_refuses_a_cast_of_one_network(dtype):
    boxes, scores = networks(0, 2, count=2)
    classes = [np.zeros(30, np.int32)] * 2
    cast = [boxes[0], boxes[1].astype(dtype)]
    with pytest.raises(TypeError, match=f"boxes must be float32, got {np.dtype(dtype)}"):
        kernels.weighted_box_fusion(cast, scores, classes=classes)
    cast = [scores[0], scores[1].astype(dtype)]
    with pytest.raises(TypeError, match=f"scores must be float32, got {np.dtype(dtype)}"):
        kernels.weighted_box_fusion(boxes, cast, classes=classes)
    cast = [classes[0], classes[1].astype(dtype)]
    with pytest.raises(TypeError, match=f"classes must be int32, got {np.dtype(dtype)}"):
        kernels.weighted_box_fusion(boxes, scores, classes=cast)


@pytest.mark.parametrize("wrong", [{"iou_threshold": 1.1}, {"weights": (1.0, 0.0)}])
def test_options_are_checked_when_they_are_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.FusionOptions(**wrong)
