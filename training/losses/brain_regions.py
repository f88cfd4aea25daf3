"""Loss of the brain regions network: cross-entropy and Dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

SMOOTHING = 1.0
"""Voxels added to both sides of the Dice ratio: an absent region predicted absent costs nothing."""


def region_loss(logits: Tensor, regions: Tensor) -> Tensor:
    """Cross-entropy of (B, K, D, H, W) logits + 1 - Dice, averaged over regions and patches.

    `regions` are (B, D, H, W) integers; the background has no Dice of its own.
    """
    entropy = functional.cross_entropy(logits, regions)
    probability = torch.softmax(logits, 1)[:, 1:].flatten(2)
    truth = functional.one_hot(regions, logits.shape[1]).movedim(-1, 1)[:, 1:].flatten(2)
    overlap = 2 * (probability * truth).sum(2) + SMOOTHING
    return entropy + 1 - (overlap / (probability.sum(2) + truth.sum(2) + SMOOTHING)).mean()
