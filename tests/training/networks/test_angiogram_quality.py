"""The angiogram quality network has the size, shapes and gradients that were designed."""

from __future__ import annotations

import pytest
import torch

from training.networks.angiogram_quality import (
    AngiogramQualityConfig,
    AngiogramQualityNet,
    count_parameters,
)


@pytest.fixture(scope="module")
def network() -> AngiogramQualityNet:
    """A seeded network for 256 x 256."""
    torch.manual_seed(0)
    return AngiogramQualityNet(AngiogramQualityConfig(size=256)).eval()


@pytest.mark.parametrize(
    ("grades", "channels", "parameters"),
    [
        (2, 1, 3_434_098),
        (3, 1, 3_434_227),
        (4, 1, 3_434_356),
        (5, 1, 3_434_485),
        (3, 3, 3_434_857),
    ],
)
def test_has_the_published_size(grades: int, channels: int, parameters: int) -> None:
    config = AngiogramQualityConfig(grades=grades, channels=channels)
    assert count_parameters(AngiogramQualityNet(config)) == parameters


@pytest.mark.parametrize(
    ("part", "parameters"),
    [
        ("stem", 3_232),
        ("stage1", 19_488),
        ("stage2", 71_744),
        ("stage3", 550_016),
        ("attention3", 1_059_328),
        ("stage4", 487_616),
        ("attention4", 825_920),
        ("fam3", 138_017),
        ("fam2", 34_193),
        ("fam1", 9_417),
        ("fam0", 7_369),
        ("tail", 940),
        ("classifier_in", 103_040),
        ("classifier", 123_520 + 387),
    ],
)
def test_every_part_has_its_size(network: AngiogramQualityNet, part: str, parameters: int) -> None:
    assert count_parameters(getattr(network, part)) == parameters


@pytest.mark.parametrize("size", [0, 128, 500, 511, 640])
def test_refuses_a_side_that_windows_do_not_tile(size: int) -> None:
    with pytest.raises(ValueError, match=rf"multiple of 256.*got {size}"):
        AngiogramQualityNet(AngiogramQualityConfig(size=size))


def test_answers_with_a_logit_per_pixel_and_per_grade(network: AngiogramQualityNet) -> None:
    with torch.no_grad():
        vessels, grade = network(torch.rand(2, 1, 256, 256))
    assert vessels.shape == (2, 1, 256, 256)
    assert grade.shape == (2, 3)


def test_crops_and_frames_share_the_parameters(network: AngiogramQualityNet) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    try:
        network.set_size(512)
        with torch.no_grad():
            assert network(torch.rand(1, 1, 512, 512))[0].shape[-1] == 512
    finally:
        network.set_size(256)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in after)


@pytest.mark.parametrize("detached", [True, False])
def test_the_switch_stops_the_gradient_of_the_grade_into_the_vessels(
    network: AngiogramQualityNet, *, detached: bool
) -> None:
    network.detach_vessels = detached
    try:
        network.zero_grad()
        network(torch.rand(1, 1, 256, 256))[1].sum().backward()
        last = network.tail[-1]
        reached = last.weight.grad is not None and bool(last.weight.grad.abs().sum() > 0)
    finally:
        network.detach_vessels = False
        network.zero_grad()
    assert reached is not detached


@pytest.mark.parametrize("logit", [-60.0, 60.0])
def test_pooling_stays_finite_without_vessels_and_with_nothing_else(
    network: AngiogramQualityNet, logit: float
) -> None:
    last = network.tail[-1]
    kept = {name: tensor.clone() for name, tensor in last.state_dict().items()}
    try:
        with torch.no_grad():
            last.weight.zero_()
            last.bias.fill_(logit)
            grade = network(torch.rand(1, 1, 256, 256))[1]
    finally:
        last.load_state_dict(kept)
    assert torch.isfinite(grade).all()
    # Half precision ends at 65504: what the pools feed to the classifier must fit.
    assert float(grade.abs().max()) < 1e4


def test_the_description_is_standardised_by_what_was_seen() -> None:
    torch.manual_seed(0)
    config = AngiogramQualityConfig(
        size=256, widths=(16, 16, 32, 64, 64), depths=(1, 1, 1, 1, 1), decoder=(16, 16, 16, 16)
    )
    network = AngiogramQualityNet(config).train()
    frames = torch.rand(4, 1, 256, 256)
    with torch.no_grad():
        for _ in range(15):
            network.describe(frames)
        seen = network.describe(frames)[1]
    assert float(seen.mean().abs()) < 0.1
    assert float(network.described_count) == 16
    assert len(network.described_mean) == network.described == seen.shape[1]
