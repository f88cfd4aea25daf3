"""The microbleed detector: a 3-D U-Net up to a quarter of the resolution, and an RPN on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from training.networks.blocks3d import Residual, conv_bn_relu, up

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 4
"""Input voxels per cell of the RPN."""
SIZE_STEP = 16
"""Every side of the input is a multiple of this."""
PRIOR_LOGIT = -4.0
"""Logit of a new network everywhere: lesions are rare."""


@dataclass(frozen=True, kw_only=True)
class MicrobleedConfig:
    """Shape of the detector; the defaults are the edge variant, 2,944,719 parameters."""

    stem: Literal["full", "half"] = "half"
    """Whether the first two convolutions run at full resolution, as published, or at half."""
    widths: tuple[int, int, int, int, int] = (32, 32, 64, 96, 128)
    """Channels of the stem and at strides 2, 4, 8 and 16."""
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Residual blocks at strides 2, 4, 8 and 16."""
    fused: int = 64
    """Channels of the map that the RPN reads."""
    anchors: tuple[float, ...] = (5.0, 10.0, 20.0)
    """Sides of the cubic anchors in voxels."""
    fusion: bool = True
    """Whether three levels are summed for the RPN (FFM), or the last one is enough."""


PAPER_LIKE = MicrobleedConfig(stem="full", widths=(24, 32, 64, 96, 128))
"""2,926,079 parameters, stem at full resolution."""
THIN = MicrobleedConfig(widths=(16, 32, 48, 64, 96), fused=48)
"""The shape that is shipped, a bit more than half of the edge variant's cost."""


class MicrobleedNet(nn.Module):
    """SWI and phase in, logits and offsets of every anchor out.

    A reconstruction of the detector of Kim, Al-masni et al., Medical Image Analysis (2025): U-Net,
    RPN and the sum of three levels (FFM) are published, channels and strides are not.
    """

    def __init__(self, config: MicrobleedConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MicrobleedConfig()
        c0, c1, c2, c3, c4 = config.widths
        self.stem = _stem(config.stem, c0)
        self.encode1 = _stage(c0, c1, config.depths[0])
        self.encode2 = _stage(c1, c2, config.depths[1])
        self.encode3 = _stage(c2, c3, config.depths[2])
        self.encode4 = _stage(c3, c4, config.depths[3])
        self.pool = nn.MaxPool3d(2)
        self.up3, self.decode3 = up(c4, c3), Residual(2 * c3, c3)
        self.up2, self.decode2 = up(c3, c2), Residual(2 * c2, c2)
        width = config.fused
        self.level3 = conv_bn_relu(c2, width, 1)
        if config.fusion:
            self.level2 = nn.Sequential(conv_bn_relu(c3, width, 1), up(width, width))
            self.level1 = nn.Sequential(
                conv_bn_relu(c4, width, 1), up(width, width), up(width, width)
            )
        self.proposal = conv_bn_relu(width, width)
        self.classify = nn.Conv3d(width, len(config.anchors), 1)
        self.regress = nn.Conv3d(width, 4 * len(config.anchors), 1)
        nn.init.normal_(self.classify.weight, std=0.01)
        for head, value in ((self.classify, PRIOR_LOGIT), (self.regress, 0.0)):
            if head.bias is not None:
                nn.init.constant_(head.bias, value)

    def forward(self, volume: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2, D, H, W) in [0, 1] -> logits (B, A, D/4, ...) and offsets (B, 4 A, D/4, ...).

        Offsets of one anchor are (z, y, x, size): of the centre in anchor sides, of the size as a
        logarithm. Cell i has its centre at voxel 4 i + 1.5.
        """
        return self.propose(self.features(volume))

    def features(self, volume: Tensor) -> Tensor:
        """The map that the RPN reads, and hard-sample learning too: (B, fused, D/4, H/4, W/4)."""
        encoded1 = self.encode1(self.stem(volume))
        encoded2 = self.encode2(self.pool(encoded1))
        encoded3 = self.encode3(self.pool(encoded2))
        encoded4 = self.encode4(self.pool(encoded3))
        decoded3 = self.decode3(torch.cat([self.up3(encoded4), encoded3], 1))
        decoded2 = self.decode2(torch.cat([self.up2(decoded3), encoded2], 1))
        fused: Tensor = self.level3(decoded2)
        if self.config.fusion:
            fused = fused + self.level2(decoded3) + self.level1(encoded4)
        return fused

    def propose(self, fused: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and offsets from what `features` gave."""
        proposed = self.proposal(fused)
        return self.classify(proposed), self.regress(proposed)


def _stem(kind: str, channels: int) -> nn.Sequential:
    if kind == "full":
        return nn.Sequential(
            conv_bn_relu(2, channels), conv_bn_relu(channels, channels), nn.MaxPool3d(2)
        )
    return nn.Sequential(conv_bn_relu(2, channels, stride=2), conv_bn_relu(channels, channels))


def _stage(channels_in: int, channels_out: int, depth: int) -> nn.Sequential:
    blocks = [Residual(channels_out, channels_out) for _ in range(depth - 1)]
    return nn.Sequential(Residual(channels_in, channels_out), *blocks)
