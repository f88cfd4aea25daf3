"""The brain regions network has the parameters and shapes of its specification."""

from __future__ import annotations

import pytest
import torch

from training.networks.angiogram_quality import count_parameters
from training.networks.brain_regions import BrainRegionsConfig, BrainRegionsNet


@pytest.mark.parametrize(("images", "parameters"), [(1, 1_400_564), (2, 1_400_996)])
def test_it_has_its_exact_size(images: int, parameters: int) -> None:
    with torch.device("meta"):
        network = BrainRegionsNet(BrainRegionsConfig(images=images))
    assert count_parameters(network) == parameters


@pytest.mark.parametrize(
    ("widths", "millions"), [((24, 48, 96, 192), 3.15), ((32, 64, 128, 256), 5.60)]
)
def test_wider_variants_have_the_size_of_the_table(
    widths: tuple[int, int, int, int], millions: float
) -> None:
    with torch.device("meta"):
        network = BrainRegionsNet(BrainRegionsConfig(images=1, widths=widths))
    assert count_parameters(network) / 1e6 == pytest.approx(millions, rel=0.003)


def test_a_patch_keeps_its_size() -> None:
    with torch.device("meta"):
        logits = BrainRegionsNet().eval()(torch.empty(1, 5, 16, 64, 64))
    assert logits.shape == (1, 4, 16, 64, 64)


def test_the_coordinates_decide_too() -> None:
    torch.manual_seed(0)
    network = BrainRegionsNet(BrainRegionsConfig(widths=(4, 4, 8, 8))).eval()
    patch = torch.rand(1, 5, 4, 16, 16)
    elsewhere = patch.clone()
    elsewhere[:, 2:] += 0.5
    assert not torch.allclose(network(patch), network(elsewhere), atol=1e-3)
