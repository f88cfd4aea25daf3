"""The detector has the parameters, shapes and properties of its specification."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.networks.angiogram_quality import count_parameters
from training.networks.microbleed_detection import PAPER_LIKE, MicrobleedConfig, MicrobleedNet

DEEP_LUNG = replace(PAPER_LIKE, widths=(24, 32, 64, 64, 64), depths=(2, 2, 3, 3))
THIN = MicrobleedConfig(widths=(16, 32, 48, 64, 96), fused=48)
WIDE = replace(PAPER_LIKE, widths=(32, 64, 128, 256, 256), fused=128)
TINY = MicrobleedConfig(widths=(4, 4, 6, 6, 8), fused=6, anchors=(5.0, 10.0))


def parameters(config: MicrobleedConfig) -> int:
    with torch.device("meta"):
        return count_parameters(MicrobleedNet(config))


def test_the_two_variants_have_their_exact_size() -> None:
    assert parameters(PAPER_LIKE) == 2_926_079
    assert parameters(MicrobleedConfig()) == 2_944_719


@pytest.mark.parametrize(
    ("config", "millions"),
    [(replace(PAPER_LIKE, fusion=False), 2.81), (DEEP_LUNG, 2.81), (THIN, 1.51), (WIDE, 15.6)],
)
def test_other_variants_have_the_size_of_the_table(
    config: MicrobleedConfig, millions: float
) -> None:
    assert parameters(config) / 1e6 == pytest.approx(millions, rel=0.004)


def test_fusion_costs_113_thousand_parameters() -> None:
    assert parameters(PAPER_LIKE) - parameters(replace(PAPER_LIKE, fusion=False)) == 113_280


def test_a_tile_of_128_gives_a_grid_of_32() -> None:
    with torch.device("meta"):
        logits, offsets = MicrobleedNet().eval()(torch.empty(1, 2, 128, 128, 128))
    assert logits.shape == (1, 3, 32, 32, 32)
    assert offsets.shape == (1, 12, 32, 32, 32)


@pytest.mark.parametrize("stem", ["full", "half"])
@pytest.mark.parametrize("fusion", [True, False])
def test_every_parameter_learns(stem: str, *, fusion: bool) -> None:
    torch.manual_seed(0)
    network = MicrobleedNet(replace(TINY, stem=stem, fusion=fusion))
    logits, offsets = network(torch.rand(2, 2, 32, 32, 32))
    torch.autograd.backward(logits.square().sum() + offsets.square().sum())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_a_new_network_expects_nothing() -> None:
    torch.manual_seed(0)
    logits, _ = MicrobleedNet(TINY).eval()(torch.rand(1, 2, 32, 32, 32))
    assert float(torch.sigmoid(logits.detach()).max()) < 0.05
