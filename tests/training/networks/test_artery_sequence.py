"""VSS-Net has the published size and cost, and computes what the published formulas say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.networks.artery_projection import ProjectionNet, ReducedInput, project
from training.networks.artery_sequence import DEAD_PARAMETERS, SequenceFeatures, VssNet
from training.networks.cost import giga_macs
from training.networks.lattice import UpSide
from training.networks.sequence_blocks import (
    ConvGru,
    SequenceConfig,
    SequenceDown,
    raw_frames,
    scaled,
)

TINY = SequenceConfig(widths=scaled(4))


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def published() -> VssNet:
    """At full width, without memory behind it."""
    with torch.device("meta"):
        return VssNet().eval()


def test_every_part_has_the_published_size(published: VssNet) -> None:
    assert count(published) == 16_860_586
    assert count(published) + DEAD_PARAMETERS == 18_515_318
    assert count(published.stem) == 18_496
    assert list(map(count, published.levels)) == [129_248, 532_928, 2_130_816, 8_521_472]


@pytest.mark.parametrize(("frames", "expected"), [(1, 356.6), (2, 499.9), (8, 1360.0)])
def test_a_sequence_costs_what_was_published_less_the_copies_of_the_raw_frame(
    published: VssNet, frames: int, expected: float
) -> None:
    copies = 3 * 0.537 * frames
    sequence = torch.empty(1, frames, 512, 512, device="meta")
    assert giga_macs(published, sequence) == pytest.approx(expected - copies, rel=1e-3)


def test_any_number_of_frames_gives_one_map() -> None:
    network = VssNet(TINY).eval()
    for frames in (1, 2, 5):
        assert network(torch.randn(2, frames, 16, 24)).shape == (2, 1, 16, 24)


def test_every_frame_has_a_say() -> None:
    torch.manual_seed(0)
    network = VssNet(TINY).eval().requires_grad_(requires_grad=False)
    sequence = torch.randn(1, 4, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(sequence).sum(), sequence)
    assert (gradient.abs().amax((0, 2, 3)) > 0).all()


def test_the_gru_is_the_published_one() -> None:
    """Three convolutions of the concatenated input and state, h' = (1 - u) n + u h."""
    torch.manual_seed(1)
    gru, sequence = ConvGru(3).double(), torch.randn(2, 4, 3, 6, 5, dtype=torch.float64)

    def gate(index: int, x: Tensor, h: Tensor) -> Tensor:
        own = gru.of_input.weight.chunk(3)[index]
        states = (*gru.of_state.weight.chunk(2), gru.of_reset.weight)
        weight = torch.cat([own, states[index]], 1)
        return functional.conv2d(
            torch.cat([x, h], 1), weight, gru.of_input.bias.chunk(3)[index], padding=1
        )

    nn.init.normal_(gru.of_input.bias)
    state = sequence[:, 0]
    for index in range(4):
        x = sequence[:, index]
        reset, update = torch.sigmoid(gate(0, x, state)), torch.sigmoid(gate(1, x, state))
        new = torch.tanh(gate(2, x, reset * state))
        state = (1 - update) * new + update * state
        torch.testing.assert_close(gru(sequence)[:, index], state)


def test_one_raw_frame_with_summed_weights_is_as_good_as_its_copies() -> None:
    down = SequenceDown(3, 5, TINY).double().eval()
    frames, maps = torch.randn(2, 1, 8, 8).double(), torch.randn(2, 3, 8, 8).double()
    copied = down.convolution(torch.cat([frames.expand(-1, 3, -1, -1), maps], 1))
    expected = functional.leaky_relu(down.norm(copied), 0.1)
    torch.testing.assert_close(down(frames, maps), expected)


def test_raw_frames_are_resized_as_bilinear_resizing_does() -> None:
    frames = torch.rand(1, 1, 32, 48)
    for level, raw in enumerate(raw_frames(frames, 1)):
        expected = functional.interpolate(
            frames, scale_factor=0.5**level, mode="bilinear", align_corners=False
        )
        torch.testing.assert_close(raw, expected)


def test_the_up_side_is_a_transposed_convolution() -> None:
    side = UpSide(6, 3, 0.0).eval()
    weight = side.convolution.weight.reshape(3, 2, 2, 6).permute(3, 0, 1, 2)
    x = torch.randn(1, 6, 4, 5)
    expected = functional.leaky_relu(
        side.norm(functional.conv_transpose2d(x, weight, stride=2)), 0.1
    )
    torch.testing.assert_close(side(x), expected)


def test_a_level_looks_both_ways_in_time() -> None:
    level = SequenceFeatures(0, TINY).eval()
    maps = torch.randn(1, 3, 4, 4, 4)
    changed = maps.clone()
    changed[:, 1] += 1.0
    moved = (level(changed, None) - level(maps, None)).abs().amax((0, 2, 3, 4))
    assert (moved > 0).all()


@pytest.mark.parametrize("decoder", ["full_resolution", "plain"])
def test_a_coarser_first_level_answers_at_full_resolution(decoder: str) -> None:
    config = SequenceConfig(widths=(4, 6, 8, 10), stride=2, decoder=decoder, norm="batch")  # type: ignore[arg-type]
    assert config.size_step == 16
    assert VssNet(config).eval()(torch.randn(1, 2, 32, 48)).shape == (1, 1, 32, 48)


@pytest.mark.parametrize("projection", ["first", "last", "first_last", "mean", "minimum"])
def test_the_baseline_sees_its_projection_alone(projection: str) -> None:
    network = ProjectionNet(4, projection).eval()  # type: ignore[arg-type]
    sequence = torch.randn(1, 3, 16, 16)
    assert network(sequence).shape == (1, 1, 16, 16)
    same = project(sequence, projection)  # type: ignore[arg-type]
    kept = same if projection == "first_last" else same.expand(-1, 3, -1, -1)
    torch.testing.assert_close(network(kept), network(sequence))


def test_an_unknown_projection_is_refused() -> None:
    with pytest.raises(ValueError, match="'median'"):
        project(torch.zeros(1, 2, 8, 8), "median")  # type: ignore[arg-type]


def test_a_reduced_input_is_what_the_network_sees() -> None:
    seen: list[torch.Tensor] = []

    class Spy(torch.nn.Module):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            seen.append(sequence)
            return sequence[:, :1]

    sequence = torch.arange(2 * 3 * 4 * 4, dtype=torch.float32).reshape(2, 3, 4, 4)
    ReducedInput(Spy(), "first_last")(sequence)
    assert torch.equal(seen[0], sequence[:, [0, 2]])
