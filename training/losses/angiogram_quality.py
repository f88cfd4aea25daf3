"""Joint loss of the angiogram quality network: vessels and grade."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

DICE_SMOOTHING = 1.0
"""Added to both sides of the Dice ratio, in pixels: an empty frame predicted empty costs nothing."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the joint loss."""

    vessels: float = 1.0
    """Weight of cross-entropy plus Dice of the vessels."""
    grade: float = 1.0
    """Weight of the cross-entropy of the grade."""
    label_smoothing: float = 0.05
    """Share of the grade's probability spread over all grades."""


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


def joint_loss(
    outputs: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor, Tensor],
    weights: LossWeights | None = None,
) -> Tensor:
    """Loss of (vessel logits, grade logits) against (vessels, grades, visible)."""
    weights = weights or LossWeights()
    vessels, grade = outputs[0].float(), outputs[1].float()
    return weights.vessels * vessel_loss(vessels, targets[0]) + weights.grade * grade_loss(
        grade, targets[1], targets[2], weights.label_smoothing
    )
