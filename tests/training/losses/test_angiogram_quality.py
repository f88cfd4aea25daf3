"""The joint loss punishes what it should and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from training.losses.angiogram_quality import (
    LossWeights,
    Outputs,
    Targets,
    grade_loss,
    joint_loss,
    severity_loss,
    vessel_loss,
)


def test_vessel_loss_follows_a_naive_oracle() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 4, 4)
    truth = (torch.rand(2, 1, 4, 4) > 0.5).float()
    entropy, overlaps = [], []
    for frame in range(2):
        both = predicted = real = 0.0
        for logit, label in zip(
            logits[frame].flatten().tolist(), truth[frame].flatten().tolist(), strict=True
        ):
            p = 1 / (1 + math.exp(-logit))
            entropy.append(-math.log(p if label else 1 - p))
            both, predicted, real = both + p * label, predicted + p, real + label
        overlaps.append((2 * both + 1) / (predicted + real + 1))
    expected = sum(entropy) / len(entropy) + 1 - sum(overlaps) / len(overlaps)
    assert float(vessel_loss(logits, truth)) == pytest.approx(expected, rel=1e-5)


def test_an_empty_frame_predicted_empty_costs_nothing() -> None:
    assert float(vessel_loss(torch.full((1, 1, 8, 8), -40.0), torch.zeros(1, 1, 8, 8))) < 1e-6


def test_a_grade_that_cannot_be_seen_gives_no_gradient() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    grade_loss(logits, torch.tensor([0, 2]), torch.tensor([0.0, 1.0])).backward()
    assert logits.grad is not None
    assert float(logits.grad[0].abs().sum()) == 0.0
    assert float(logits.grad[1].abs().sum()) > 0.0


def test_a_batch_without_a_visible_grade_is_finite() -> None:
    assert float(grade_loss(torch.randn(2, 3), torch.tensor([0, 2]), torch.zeros(2))) == 0.0


def test_severities_that_cannot_be_seen_give_no_gradient() -> None:
    logits = torch.zeros(1, 3, requires_grad=True)
    severity_loss(
        logits, torch.tensor([[0.9, 0.1, 0.9]]), torch.tensor([[1.0, 1.0, 0.0]])
    ).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]
    assert logits.grad[0, 2] == 0


def test_weights_weigh() -> None:
    torch.manual_seed(1)
    outputs = Outputs(
        vessels=torch.randn(1, 1, 8, 8), grade=torch.randn(1, 3), severities=torch.randn(1, 7)
    )
    targets = Targets(
        vessels=torch.ones(1, 1, 8, 8),
        grades=torch.tensor([1]),
        visible=torch.ones(1),
        severities=torch.rand(1, 7),
        visible_axes=torch.ones(1, 7),
    )
    none = LossWeights(vessels=0.0, grade=0.0, severity=0.0)
    parts = [
        float(joint_loss(outputs, targets, replace(none, **{name: 1.0})))
        for name in ("vessels", "grade", "severity")
    ]
    whole = LossWeights(vessels=1.0, grade=2.0, severity=3.0)
    expected = parts[0] + 2 * parts[1] + 3 * parts[2]
    assert float(joint_loss(outputs, targets, whole)) == pytest.approx(expected, rel=1e-5)
