"""Joint loss of the angiogram quality network: vessels and grade."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

DICE_SMOOTHING = 1.0
"""Pixels added to both sides of the Dice ratio: an empty frame predicted empty costs nothing."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the joint loss."""

    vessels: float = 1.0
    """Weight of cross-entropy plus Dice of the vessels."""
    grade: float = 2.0
    """Weight of the cross-entropy of the grade."""
    severity: float = 2.0
    """Weight of the auxiliary cross-entropy of the severities."""
    label_smoothing: float = 0.05
    """Share of the grade's probability spread over all grades."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a network answers while it is trained."""

    vessels: Tensor
    """(B, 1, H, W) logits."""
    grade: Tensor
    """(B, K) logits."""
    severities: Tensor
    """(B, axes) logits of an auxiliary head that the trained network does not keep."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What is true, and what of it can be seen in the input."""

    vessels: Tensor
    """(B, 1, H, W), 0 or 1."""
    grades: Tensor
    """(B,) integers."""
    visible: Tensor
    """(B,) 1 where the grade can be told from the input, else 0."""
    severities: Tensor
    """(B, axes) in [0, 1]."""
    visible_axes: Tensor
    """(B, axes) 1 where the severity can be told from the input, else 0."""


def vessel_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy + 1 - Dice per frame; both (B, 1, H, W), averaged over the batch."""
    entropy = functional.binary_cross_entropy_with_logits(logits, truth)
    probability = torch.sigmoid(logits).flatten(1)
    truth = truth.flatten(1)
    overlap = 2 * (probability * truth).sum(1) + DICE_SMOOTHING
    total = probability.sum(1) + truth.sum(1) + DICE_SMOOTHING
    return entropy + 1 - (overlap / total).mean()


def grade_loss(
    logits: Tensor, grades: Tensor, visible: Tensor, label_smoothing: float = 0.05
) -> Tensor:
    """Cross-entropy of (B, K) logits over the frames whose grade is `visible` (B,) in the input."""
    each = functional.cross_entropy(
        logits, grades, reduction="none", label_smoothing=label_smoothing
    )
    return (each * visible).sum() / visible.sum().clamp(min=1)


def severity_loss(logits: Tensor, severities: Tensor, visible: Tensor) -> Tensor:
    """Binary cross-entropy against soft targets, over the visible axes; all (B, axes)."""
    each = functional.binary_cross_entropy_with_logits(logits, severities, reduction="none")
    return (each * visible).sum() / visible.sum().clamp(min=1)


def joint_loss(outputs: Outputs, targets: Targets, weights: LossWeights | None = None) -> Tensor:
    """Weighted sum of the losses of vessels, grade and severities, in single precision."""
    weights = weights or LossWeights()
    grade = grade_loss(
        outputs.grade.float(), targets.grades, targets.visible, weights.label_smoothing
    )
    severity = severity_loss(outputs.severities.float(), targets.severities, targets.visible_axes)
    vessels = vessel_loss(outputs.vessels.float(), targets.vessels)
    return weights.vessels * vessels + weights.grade * grade + weights.severity * severity
