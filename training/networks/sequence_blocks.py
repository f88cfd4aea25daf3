"""Building blocks of the sequence networks: stem, down-sampling, convolutional GRU."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = 4
SLOPE = 0.1
"""Of every leaky ReLU."""
KAIMING_SLOPE = 0.02
"""Slope that the first weights are drawn for."""

Norm = Literal["instance", "batch"]


@dataclass(frozen=True, kw_only=True)
class SequenceConfig:
    """Shape of a sequence network: the defaults are the published VSS-Net."""

    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    """Channels of the four levels, each at half the resolution of the one before."""
    stride: int = 1
    """Input pixels per pixel of the first level; the answer has the input's resolution all the
    same, each pixel of the last map speaks for stride x stride pixels."""
    norm: Norm = "instance"
    """Of the encoder: over each map as published, or BatchNorm, which folds into convolutions and
    answers the same on patches and on whole frames. The decoder has BatchNorm."""
    decoder: Literal["full_resolution", "plain"] = "full_resolution"
    """The published lattice, or the right-hand side of a U-Net of the same blocks."""
    dropout: float = 0.2
    """Probability that a training step drops a whole map."""

    @property
    def size_step(self) -> int:
        """Rows and columns are multiples of this."""
        return self.stride << (LEVELS - 1)


def scaled(width: int) -> tuple[int, int, int, int]:
    """Widths of a network with `width` channels at the first level; the published one has 32."""
    return width, 2 * width, 4 * width, 8 * width


def per_frame(layer: Callable[[Tensor], Tensor], sequence: Tensor) -> Tensor:
    """One layer on every frame of (B, T, ...), frames taken as a batch."""
    return by_sequence(layer(sequence.flatten(0, 1)), len(sequence))


def by_sequence(frames: Tensor, batch: int) -> Tensor:
    """Frames taken as a batch (B T, ...) -> (B, T, ...)."""
    return frames.reshape(batch, -1, *frames.shape[1:])


def normalisation(norm: Norm, channels: int) -> nn.Module:
    """The normalisation of the encoder."""
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.BatchNorm2d(channels)


def residual_branch(channels: int, norm: Norm, dropout: float) -> nn.Sequential:
    """Two 3x3 convolutions, normalised, with an activation between."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        normalisation(norm, channels),
        nn.Dropout2d(dropout),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        normalisation(norm, channels),
        nn.Dropout2d(dropout),
    )


class Stem(nn.Module):
    """Features of single frames; the lift is not normalised, so the scale of the input matters."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        width, stride = config.widths[0], config.stride
        self.lift = nn.Conv2d(1, width, stride, stride)
        self.branch = residual_branch(width, config.norm, config.dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """(N, 1, rows, columns) -> (N, C1, rows / stride, columns / stride)."""
        lifted = self.lift(frames)
        return functional.leaky_relu(self.branch(lifted) + lifted, SLOPE)


class SequenceDown(nn.Module):
    """Halves the maps of the level above and shows this level the raw frames again.

    The published network gives the convolution as many copies of the raw frame as there are maps;
    one copy with the summed weights computes the same.
    """

    def __init__(self, above: int, channels: int, config: SequenceConfig) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2 * above, channels, 2, 2, bias=False)
        self.norm = normalisation(config.norm, channels)
        self.dropout = nn.Dropout2d(config.dropout)

    def forward(self, frames: Tensor, maps: Tensor) -> Tensor:
        """(N, 1, H, W) raw frames and (N, C, H, W) maps -> (N, channels, H / 2, W / 2)."""
        of_frame, of_maps = self.split()
        y = functional.conv2d(frames, of_frame, stride=2)
        y = y + functional.conv2d(maps, of_maps, stride=2)
        return functional.leaky_relu(self.dropout(self.norm(y)), SLOPE)

    def split(self) -> tuple[Tensor, Tensor]:
        """Weights of the raw frame and of the maps."""
        weight = self.convolution.weight
        above = weight.shape[1] // 2
        return weight[:, :above].sum(1, keepdim=True), weight[:, above:]


def raw_frames(frames: Tensor, stride: int) -> tuple[Tensor, ...]:
    """The frames (N, 1, rows, columns) as levels 2, 3 and 4 see them again.

    At the resolution of the level above each; level 4 sees the middle 2 x 2 of every 4 x 4 pixels,
    as bilinear resizing without smoothing does.
    """
    first = functional.avg_pool2d(frames, stride) if stride > 1 else frames
    middle = functional.avg_pool2d(first[..., 1:, 1:], 2, 4)
    return first, functional.avg_pool2d(first, 2), middle


class ConvGru(nn.Module):
    """Convolutional gated recurrent unit whose first state is the first input.

    The convolution of [input, state] is split, so that the inputs of all frames go in one batch.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.of_input = nn.Conv2d(channels, 3 * channels, 3, padding=1)
        self.of_state = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.of_reset = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, sequence: Tensor) -> Tensor:
        """(B, T, C, H, W) inputs -> states after each of them, same shape."""
        gates = per_frame(self.of_input, sequence)
        state, states = sequence[:, 0], []
        for index in range(sequence.shape[1]):
            state = self.step(gates[:, index], state)
            states.append(state)
        return torch.stack(states, 1)

    def step(self, gates: Tensor, state: Tensor) -> Tensor:
        """Next state from what `of_input` says of a frame, (N, 3C, H, W), and the last state."""
        reset, update, new = torch.split(gates, self.channels, 1)
        state_reset, state_update = torch.split(self.of_state(state), self.channels, 1)
        reset = torch.sigmoid(reset + state_reset)
        new = torch.tanh(new + self.of_reset(reset * state))
        out: Tensor = new + torch.sigmoid(update + state_update) * (state - new)
        return out


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Kaiming weights and zero biases; the split convolutions of a GRU as if they were one."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=KAIMING_SLOPE)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, ConvGru):
            for convolution in (module.of_input, module.of_state, module.of_reset):
                convolution.weight *= sqrt(0.5)
