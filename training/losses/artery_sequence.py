"""Losses of artery segmentation in sequences: full masks, scribbles, and a teacher's answers.

Every network here answers with one log-odds per pixel. Cross-entropy over the published two logits
is the same function of their difference, and so is the softmax that the papers limit to these two.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.datasets.scribbles import ARTERY, UNLABELLED

DICE_SMOOTHING = 1e-5
"""Added to both sides of the Dice ratio."""


@dataclass(frozen=True, kw_only=True)
class ScribbleWeights:
    """What joins the partial cross-entropy; the defaults are those of the published script.

    The published ablation: no pseudo labels, own pseudo labels (`crossed` false), crossed ones,
    and crossed ones with consistency.
    """

    pseudo: float = 1.0
    """Weight of the cross-entropy against pseudo labels."""
    crossed: bool = True
    """Each network learns from the other's pseudo labels, else from its own."""
    consistency: float = 0.5
    """Weight of the squared difference of the two networks' probabilities."""


@dataclass(frozen=True, kw_only=True)
class DistillationWeights:
    """How a streaming student is taught."""

    teacher: float = 0.5
    """Share of the loss that is against the teacher's probabilities, the rest is against masks."""
    filled: float = 0.5
    """Weight of the head that says what is filled in the frame itself."""


def segmentation_loss(log_odds: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy + 1 - soft Dice of the arteries over the whole batch; shapes are equal."""
    log_odds, truth = log_odds.float(), truth.float()
    entropy = functional.binary_cross_entropy_with_logits(log_odds, truth)
    probability = torch.sigmoid(log_odds)
    overlap = 2 * (probability * truth).sum() + DICE_SMOOTHING
    return entropy + 1 - overlap / (probability.sum() + truth.sum() + DICE_SMOOTHING)


def partial_cross_entropy(log_odds: Tensor, scribbles: Tensor) -> Tensor:
    """Cross-entropy, the mean over the labelled pixels; zero where there are none."""
    labelled = (scribbles != UNLABELLED).float()
    truth = (scribbles == ARTERY).float()
    each = functional.binary_cross_entropy_with_logits(log_odds.float(), truth, reduction="none")
    return (each * labelled).sum() / labelled.sum().clamp(min=1)


def pseudo_labels(log_odds: Tensor, scribbles: Tensor) -> Tensor:
    """Hard labels, corrected by the scribbles where there are any; no gradient flows back."""
    return torch.where(scribbles == UNLABELLED, log_odds.detach() > 0, scribbles == ARTERY).float()


def scribble_loss(
    first: Tensor, second: Tensor, scribbles: Tensor, weights: ScribbleWeights | None = None
) -> Tensor:
    """Scribble supervision and consistency regularisation (SSCR) of two networks' log-odds.

    The consistency is that of the probabilities: of the hard labels, as the published code has it,
    it would have no gradient.
    """
    weights = weights or ScribbleWeights()
    first, second = first.float(), second.float()
    loss = partial_cross_entropy(first, scribbles) + partial_cross_entropy(second, scribbles)
    if weights.pseudo:
        own = pseudo_labels(first, scribbles), pseudo_labels(second, scribbles)
        for_first, for_second = own[::-1] if weights.crossed else own
        entropy = functional.binary_cross_entropy_with_logits
        loss = loss + weights.pseudo * (entropy(first, for_first) + entropy(second, for_second))
    if weights.consistency:
        difference = torch.sigmoid(first) - torch.sigmoid(second)
        loss = loss + weights.consistency * difference.square().mean()
    return loss


def distillation_loss(student: Tensor, teacher: Tensor, truth: Tensor, share: float) -> Tensor:
    """Loss against the masks and, by `share`, cross-entropy against the teacher's probabilities."""
    soft = torch.sigmoid(teacher.detach().float())
    taught = functional.binary_cross_entropy_with_logits(student.float(), soft)
    return (1 - share) * segmentation_loss(student, truth) + share * taught
