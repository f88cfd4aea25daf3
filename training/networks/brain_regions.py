"""The brain regions network: a 3-D U-Net that is told where in the brain its patch lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from training.networks.blocks3d import conv_bn_relu

if TYPE_CHECKING:
    from torch import Tensor

POOLS = ((1, 2, 2), (2, 2, 2), (2, 2, 2))
"""Slices are thick: the first pooling leaves them."""
CLASSES = 4
"""Background, lobar, deep, infratentorial."""


@dataclass(frozen=True, kw_only=True)
class BrainRegionsConfig:
    """Shape of the network; the defaults have 1,400,996 parameters."""

    images: int = 2
    """Image channels: SWI, or SWI and phase; three coordinates join them."""
    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    """Channels of the four levels."""


HALF_WIDTH = BrainRegionsConfig(widths=(8, 16, 32, 64))
"""The shape that is shipped: regions are large and smooth, and a quarter of the cost is enough."""


class BrainRegionsNet(nn.Module):
    """A patch and its coordinates in, logits of the regions out.

    The coordinates are three tensors in [-1, 1] over the bounding box of the brain (Kim, Al-masni
    et al., Medical Image Analysis, 2025, Fig. 5; the levels are a reconstruction).
    """

    def __init__(self, config: BrainRegionsConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BrainRegionsConfig()
        widths = config.widths
        self.encoders = nn.ModuleList(
            _double(before, after)
            for before, after in zip((config.images + 3, *widths[:3]), widths, strict=True)
        )
        self.pools = nn.ModuleList(nn.MaxPool3d(pool) for pool in POOLS)
        self.ups = nn.ModuleList(
            nn.ConvTranspose3d(widths[level + 1], widths[level], POOLS[level], POOLS[level])
            for level in (2, 1, 0)
        )
        self.decoders = nn.ModuleList(
            _double(2 * widths[level], widths[level]) for level in (2, 1, 0)
        )
        self.classify = nn.Conv3d(widths[0], CLASSES, 1)

    def forward(self, patch: Tensor) -> Tensor:
        """(B, images + 3, D, H, W) -> logits (B, 4, D, H, W); D a multiple of 4, H and W of 8.

        The last three channels are the coordinates along z, y and x.
        """
        skips = []
        for encode, pool in zip(self.encoders, [*self.pools, nn.Identity()], strict=True):
            patch = encode(patch)
            skips.append(patch)
            patch = pool(patch)
        for enlarge, decode, skip in zip(self.ups, self.decoders, reversed(skips[:3]), strict=True):
            patch = decode(torch.cat([enlarge(patch), skip], 1))
        logits: Tensor = self.classify(patch)
        return logits


def _double(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        conv_bn_relu(channels_in, channels_out), conv_bn_relu(channels_out, channels_out)
    )
