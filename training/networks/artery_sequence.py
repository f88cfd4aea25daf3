"""VSS-Net: a whole DSA sequence in, one artery map out, with features from both ends in time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.networks.lattice import MAPS, Lattice, LatticeConfig, decoder_table
from training.networks.sequence_blocks import (
    LEVELS,
    ConvGru,
    SequenceConfig,
    SequenceDown,
    Stem,
    by_sequence,
    initialise,
    per_frame,
    raw_frames,
)

DEAD_PARAMETERS = 1_654_732
"""Of the published code at its full width, never used in its forward pass and not built here."""


class SequenceFeatures(nn.Module):
    """One level of the encoder (SFEM): recurrences in both directions, fused frame by frame."""

    def __init__(self, level: int, config: SequenceConfig) -> None:
        super().__init__()
        channels = config.widths[level]
        above = config.widths[level - 1]
        self.down = SequenceDown(above, channels, config) if level else None
        self.onward = ConvGru(channels)
        self.backward_in_time = ConvGru(channels)
        self.fuse = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, maps: Tensor, frames: Tensor | None) -> Tensor:
        """Maps of the level above (B, T, C, H, W) -> of this level; values in (-1, 1)."""
        if self.down is not None and frames is not None:
            maps = by_sequence(self.down(frames, maps.flatten(0, 1)), len(maps))
        later = self.backward_in_time(maps.flip(1)).flip(1)
        both = torch.cat([self.onward(maps), later], 2)
        return torch.tanh(per_frame(self.fuse, both))


class VssNet(nn.Module):
    """Vessel sequence segmentation network (Liu et al., Medical Image Analysis 97:103247, 2024)."""

    def __init__(self, config: SequenceConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SequenceConfig()
        self.stem = Stem(config)
        self.levels = nn.ModuleList(SequenceFeatures(level, config) for level in range(LEVELS))
        self.decoder = sequence_decoder(config)
        initialise(self)

    def forward(self, sequence: Tensor) -> Tensor:
        """Frames (B, T, rows, columns) -> log-odds of an artery (B, 1, rows, columns)."""
        frames = sequence.flatten(0, 1)[:, None]
        maps = by_sequence(self.stem(frames), len(sequence))
        highest = []
        for level, raw in zip(self.levels, (None, *raw_frames(frames, self.config.stride)),
                              strict=True):  # fmt: skip
            maps = level(maps, raw)
            highest.append(maps.amax(1))
        logits, _ = self.decoder(tuple(highest))
        return log_odds(logits, self.config.stride)


def sequence_decoder(config: SequenceConfig) -> Lattice:
    """The decoder behind the four maps of a sequence encoder, with two logits per pixel."""
    table, heads = decoder_table(config.decoder, MAPS)
    return Lattice(
        LatticeConfig(
            table=table,
            heads=heads,
            widths=config.widths,
            channels_in=config.widths[0],
            logits=2 * config.stride**2,
            dropout=config.dropout,
        )
    )


def log_odds(logits: Tensor, stride: int) -> Tensor:
    """Background and artery logits (N, 2 stride^2, H, W) -> (N, 1, stride H, stride W).

    An export folds the difference of the two into the heads: then there are stride^2 channels.
    """
    difference = logits
    if logits.shape[1] == 2 * stride**2:
        background, artery = logits.chunk(2, 1)
        difference = artery - background
    return functional.pixel_shuffle(difference, stride) if stride > 1 else difference
