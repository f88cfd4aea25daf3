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
    """Cross-entropy of (B, K, D, H, W) logits + 1 - Dice of each region over the whole batch.

    `regions` are (B, D, H, W) integers; the background has no Dice of its own. Most patches hold
    one region alone: the Dice of each patch would mostly be that of absent regions, which is 0
    whatever the network says, short of being sure of every voxel.
    """
    entropy = functional.cross_entropy(logits, regions)
    probability = torch.softmax(logits, 1).movedim(1, 0)[1:].flatten(1)
    truth = functional.one_hot(regions, logits.shape[1]).movedim(-1, 0)[1:].flatten(1)
    overlap = 2 * (probability * truth).sum(1) + SMOOTHING
    return entropy + 1 - (overlap / (probability.sum(1) + truth.sum(1) + SMOOTHING)).mean()
