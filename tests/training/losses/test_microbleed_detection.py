"""Anchors get the targets their definition gives, and hard samples those of HSPL."""

from __future__ import annotations

import math

import box_oracles
import numpy as np
import pytest
import torch
from torch.nn import functional

from training.losses.microbleed_detection import (
    IGNORED,
    LESION,
    MIMIC,
    NEGATIVE,
    POSITIVE,
    ConcentrationLoss,
    CropTruth,
    DetectionLossConfig,
    anchor_iou,
    anchor_targets,
    hard_samples,
    hardest_negatives,
    proposal_loss,
)

ANCHORS, GRID = (5.0, 10.0), (4, 5, 6)
CONFIG = DetectionLossConfig()
NONE = torch.zeros(0, 4)


def truth(*lesions: tuple[float, ...], ignored: tuple[tuple[float, ...], ...] = ()) -> CropTruth:
    return CropTruth(
        lesions=torch.tensor(lesions).reshape(-1, 4), ignored=torch.tensor(ignored).reshape(-1, 4)
    )


def test_overlap_is_that_of_the_boxes() -> None:
    lesion = torch.tensor([6.0, 9.0, 11.0, 7.0])
    overlaps = anchor_iou(lesion, ANCHORS, GRID).numpy()
    box = np.r_[lesion[:3] - 3.5, lesion[:3] + 3.5]
    for a, z, y, x in np.ndindex(overlaps.shape):
        centre = 4 * np.array([z, y, x]) + 1.5
        anchor = np.r_[centre - ANCHORS[a] / 2, centre + ANCHORS[a] / 2]
        expected = box_oracles.iou(box, anchor[None])[0]
        assert overlaps[a, z, y, x] == pytest.approx(expected, abs=1e-6)


def test_a_lesion_has_one_positive_its_best_anchor_and_its_surroundings_are_ignored() -> None:
    targets = anchor_targets(truth((9.0, 9.5, 13.0, 9.0)), ANCHORS, GRID, 0.02)
    assert (targets.labels == POSITIVE).sum() == 1
    assert targets.labels[1, 2, 2, 3] == POSITIVE
    assert targets.labels[1, 2, 2, 2] == IGNORED
    assert targets.labels[0, 0, 0, 0] == NEGATIVE
    expected = [(9 - 9.5) / 10, 0.0, (13 - 13.5) / 10, math.log(0.9)]
    torch.testing.assert_close(targets.offsets[1, :, 2, 2, 3], torch.tensor(expected))


def test_an_ignored_lesion_is_neither_found_nor_denied() -> None:
    targets = anchor_targets(truth(ignored=((9.0, 9.0, 9.0, 8.0),)), ANCHORS, GRID, 0.02)
    assert not (targets.labels == POSITIVE).any()
    assert (targets.labels == IGNORED).any()


def test_the_loss_is_what_a_loop_computes() -> None:
    torch.manual_seed(0)
    logits, offsets = torch.randn(2, 2, *GRID), torch.randn(2, 8, *GRID)
    targets = [
        anchor_targets(t, ANCHORS, GRID, 0.02)
        for t in (truth((9.0, 9.5, 13.0, 9.0), (2.0, 3.0, 4.0, 4.0)), truth())
    ]
    config = DetectionLossConfig(hard_negatives=3)
    got = proposal_loss((logits, offsets), targets, config)
    positive, negative, regression = [], [], []
    for crop, target in enumerate(targets):
        scores = []
        for a, z, y, x in np.ndindex(*target.labels.shape):
            label, logit = target.labels[a, z, y, x], logits[crop, a, z, y, x]
            if label == NEGATIVE:
                scores.append(float(logit))
            elif label == POSITIVE:
                positive.append(math.log1p(math.exp(-float(logit))))
                error = offsets[crop, 4 * a : 4 * a + 4, z, y, x] - target.offsets[a, :, z, y, x]
                regression.append(
                    sum(0.5 * e * e if abs(e) < 1 else abs(e) - 0.5 for e in error.tolist())
                )
        negative += [math.log1p(math.exp(s)) for s in sorted(scores)[-3:]]
    assert len(positive) == 2
    assert float(got[0]) == pytest.approx(
        0.5 * float(np.mean(positive)) + 0.5 * float(np.mean(negative)), rel=1e-5
    )
    assert float(got[1]) == pytest.approx(float(np.mean(regression)), rel=1e-5)


def test_crops_without_lesions_have_a_loss_and_no_regression() -> None:
    logits, offsets = torch.zeros(1, 2, *GRID), torch.ones(1, 8, *GRID, requires_grad=True)
    target = anchor_targets(truth(), ANCHORS, GRID, 0.02)
    classification, regression = proposal_loss((logits, offsets), [target], CONFIG)
    assert float(classification) == pytest.approx(0.5 * math.log(2))
    assert float(regression.detach()) == 0.0


def test_a_random_pool_limits_the_hardest() -> None:
    torch.manual_seed(0)
    logits = torch.arange(1000.0)
    hardest = hardest_negatives(logits, DetectionLossConfig(hard_negatives=4, negative_pool=20))
    assert len(hardest) == 4
    assert float(hardest.min()) < 990
    assert hardest_negatives(logits, CONFIG).min() == 1000 - CONFIG.hard_negatives


def test_lesions_give_their_centre_and_other_crops_their_best_anchor() -> None:
    features = torch.randn(2, 3, *GRID)
    logits = torch.full((2, 2, *GRID), -3.0)
    logits[1, 1, 3, 2, 5] = 2.0
    vectors, classes = hard_samples(
        features, logits, [truth((9.0, 9.5, 13.0, 9.0)), truth()], CONFIG
    )
    assert classes.tolist() == [LESION, MIMIC]
    torch.testing.assert_close(vectors[0], features[0, :, 2, 2, 3])
    torch.testing.assert_close(vectors[1], features[1, :, 3, 2, 5])


def test_a_crop_that_promises_nothing_gives_no_mimic() -> None:
    features, logits = torch.randn(1, 3, *GRID), torch.full((1, 2, *GRID), -5.0)
    assert not len(hard_samples(features, logits, [truth()], CONFIG)[0])


def test_a_mimic_beside_an_ignored_lesion_is_left_out() -> None:
    features, logits = torch.randn(1, 3, *GRID), torch.zeros(1, 2, *GRID)
    logits[0, 0, 1, 1, 1] = 3.0
    near, far = truth(ignored=((5.5, 5.5, 9.0, 4.0),)), truth(ignored=((5.5, 5.5, 21.0, 4.0),))
    assert not len(hard_samples(features, logits, [near], CONFIG)[0])
    assert len(hard_samples(features, logits, [far], CONFIG)[0]) == 1


def test_the_concentration_loss_is_that_of_its_paper() -> None:
    torch.manual_seed(0)
    loss = ConcentrationLoss(5, CONFIG)
    vectors, classes = torch.randn(3, 5), torch.tensor([LESION, MIMIC, MIMIC])
    distance = torch.cdist(vectors, loss.prototypes).square() / 5
    expected = functional.nll_loss(torch.log_softmax(-distance, 1), classes)
    expected = expected + 0.001 * 0.5 * distance[range(3), classes].mean()
    torch.testing.assert_close(loss(vectors, classes), expected)


def test_the_classes_differ_from_the_first_step() -> None:
    torch.manual_seed(0)
    loss, vector = ConcentrationLoss(8, CONFIG), torch.zeros(1, 8)
    as_lesion, as_mimic = (float(loss(vector, torch.tensor([k])).detach()) for k in (LESION, MIMIC))
    assert abs(as_lesion - as_mimic) > 1e-3
    assert float(loss(vector[:0], torch.zeros(0, dtype=torch.int64)).detach()) == 0.0


def test_the_prototypes_draw_their_classes_apart() -> None:
    torch.manual_seed(1)
    loss = ConcentrationLoss(4, CONFIG)
    vectors = torch.randn(6, 4, requires_grad=True)
    classes = torch.tensor([0, 0, 0, 1, 1, 1])
    optimiser = torch.optim.SGD([vectors, loss.prototypes], lr=1.0)
    first = float(loss(vectors, classes).detach())
    for _ in range(60):
        optimiser.zero_grad()
        loss(vectors, classes).backward()
        optimiser.step()
    assert float(loss(vectors, classes).detach()) < 0.3 * first
