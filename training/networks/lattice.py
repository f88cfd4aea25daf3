"""Decoders written as tables: the full-resolution lattice of FR-UNet, and a plain U-Net's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.networks.sequence_blocks import SLOPE, residual_branch

if TYPE_CHECKING:
    from collections.abc import Mapping

MAPS = {"a1": ("s1",), "a2": ("s2",), "a3": ("s3",), "a4": ("s4",)}
"""First column of a decoder that gets one map per level."""
IMAGE = {"a1": ("s1",), "a2": ("a1d",), "a3": ("a2d",), "a4": ("a3d",)}
"""First column of a whole 2-D network."""
FULL_RESOLUTION = {
    "b1": ("a1", "a2u"),
    "b2": ("a1d", "a2"),
    "c1": ("b1", "b2u"),
    "c2": ("b1d", "b2", "a3u"),
    "c3": ("b2d", "a3"),
    "d1": ("c1", "c2u"),
    "d2": ("c1d", "c2", "c3u"),
    "d3": ("c2d", "c3", "a4u"),
    "e1": ("d1", "d2u"),
    "e2": ("d1d", "d2", "d3u"),
    "f1": ("e1", "e2u"),
}
"""Liu et al., Full-Resolution Network and Dual-Threshold Iteration, IEEE JBHI 26(9), 2022."""
PLAIN = {"b3": ("a3", "a4u"), "c2": ("a2", "b3u"), "d1": ("a1", "c2u")}
"""Right-hand side of a U-Net."""
UP, DOWN = "u", "d"


@dataclass(frozen=True, kw_only=True)
class LatticeConfig:
    """Which block takes what: a name is column and row; `a2u` is block a2 brought one row up."""

    table: Mapping[str, tuple[str, ...]]
    """Block -> what is concatenated into it, in an order in which it can be computed; s1 to s4 are
    what comes in."""
    heads: tuple[str, ...]
    """Blocks of the first row whose logits are averaged; the last is the finest."""
    widths: tuple[int, int, int, int]
    """Channels of the rows."""
    channels_in: int
    """Channels of s1; s2 to s4 have the width of their row."""
    logits: int
    """Channels of the answer."""
    dropout: float
    """Probability that a training step drops a whole map."""


class Lattice(nn.Module):
    """Residual blocks wired by a table, with the mean of several 1x1 heads as answer."""

    def __init__(self, config: LatticeConfig) -> None:
        super().__init__()
        self.table, self.heads = dict(config.table), config.heads
        self.blocks, self.sides = nn.ModuleDict(), nn.ModuleDict()
        for name, sources in self.table.items():
            channels = _width(config, name)
            first = config.channels_in if sources == ("s1",) else len(sources) * channels
            self.blocks[name] = Block(first, channels, config.dropout)
        for source in sorted({entry for entries in self.table.values() for entry in entries}):
            if source[2:]:
                self.sides[source] = _side(config, source)
        top = config.widths[0]
        self.logits = nn.ModuleDict({name: nn.Conv2d(top, config.logits, 1) for name in self.heads})

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Maps of the levels -> logits (N, logits, H, W) and the finest features (N, C1, H, W)."""
        values = {f"s{row}": entry for row, entry in enumerate(maps, start=1)}
        for name, sources in self.table.items():
            for source in sources:
                if source not in values:
                    values[source] = self.sides[source](values[source[:2]])
            values[name] = self.blocks[name](torch.cat([values[entry] for entry in sources], 1))
        answers = [self.logits[name](values[name]) for name in self.heads]
        mean = torch.stack(answers).mean(0) if len(answers) > 1 else answers[0]
        return mean, values[self.heads[-1]]


def decoder_table(
    kind: str, first: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Table and heads of the full-resolution or the plain decoder behind a first column."""
    if kind == "full_resolution":
        return {**first, **FULL_RESOLUTION}, ("b1", "c1", "d1", "e1", "f1")
    return {**first, **PLAIN}, ("d1",)


class FeatureFuse(nn.Module):
    """1x1, 3x3 and dilated 3x3 convolution, added and normalised."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.near = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.far = nn.Conv2d(channels_in, channels_out, 3, padding=2, dilation=2, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, Cin, H, W) -> (N, Cout, H, W)."""
        out: Tensor = self.norm(self.point(x) + self.near(x) + self.far(x))
        return out


class Block(nn.Module):
    """Fuses where the channels change, then adds a residual branch."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float) -> None:
        super().__init__()
        same = channels_in == channels_out
        self.fuse: nn.Module = nn.Identity() if same else FeatureFuse(channels_in, channels_out)
        self.branch = residual_branch(channels_out, "batch", dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, Cin, H, W) -> (N, Cout, H, W)."""
        x = self.fuse(x)
        return functional.leaky_relu(x + self.branch(x), SLOPE)


class UpSide(nn.Module):
    """Transposed 2x2 convolution of stride 2, written as a 1x1 convolution and depth-to-space."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, 4 * channels_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, Cin, H, W) -> (N, Cout, 2H, 2W)."""
        y = functional.pixel_shuffle(self.convolution(x), 2)
        return functional.leaky_relu(self.dropout(self.norm(y)), SLOPE)


def down_side(channels_in: int, channels_out: int, dropout: float) -> nn.Sequential:
    """2x2 convolution of stride 2."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 2, 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.Dropout2d(dropout),
        nn.LeakyReLU(SLOPE),
    )


def _width(config: LatticeConfig, name: str) -> int:
    return config.widths[int(name[1]) - 1]


def _side(config: LatticeConfig, source: str) -> nn.Module:
    row, channels = int(source[1]), _width(config, source)
    if source[2] == UP:
        return UpSide(channels, config.widths[row - 2], config.dropout)
    return down_side(channels, config.widths[row], config.dropout)
