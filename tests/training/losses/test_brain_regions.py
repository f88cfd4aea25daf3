"""The loss of the regions is low for the right ones only."""

from __future__ import annotations

import torch
from torch.nn import functional

from training.losses.brain_regions import region_loss


def test_right_logits_cost_nothing_and_wrong_ones_much() -> None:
    regions = torch.randint(0, 4, (2, 3, 4, 5), generator=torch.Generator().manual_seed(0))
    right = 20.0 * functional.one_hot(regions, 4).movedim(-1, 1).float()
    assert float(region_loss(right, regions)) < 1e-3
    assert float(region_loss(right.roll(1, 1), regions)) > 10


def test_an_absent_region_predicted_absent_costs_nothing() -> None:
    regions = torch.zeros(1, 2, 2, 2, dtype=torch.int64)
    logits = torch.tensor([20.0, 0, 0, 0]).reshape(1, 4, 1, 1, 1).expand(1, 4, 2, 2, 2)
    assert float(region_loss(logits, regions)) < 1e-3


def test_a_region_that_a_patch_lacks_says_nothing_against_its_answer() -> None:
    regions = torch.tensor([1, 2]).reshape(2, 1, 1, 1).expand(2, 2, 8, 8)
    sure = 4.0 * functional.one_hot(regions, 4).movedim(-1, 1).float()
    apart = [float(region_loss(sure[i : i + 1], regions[i : i + 1])) for i in range(2)]
    assert float(region_loss(sure, regions)) < min(apart)
