"""The angiogram quality network: one frame in, vessel logits and quality grade logits out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.networks.blocks import (
    WINDOW,
    FeatureAggregation,
    LocalGlobalAttention,
    PlainAggregation,
    SeparableResidual,
    conv_bn,
    global_mean,
    pointwise,
    separable,
    upsample,
)

STRIDE = 32
"""Input pixels per pixel of the deepest map."""
SIZE_STEP = STRIDE * WINDOW
"""The input side is a multiple of this: the deepest map is cut into whole windows."""
EPSILON = 1e-3
"""Keeps a weighted mean finite where no vessel, or only vessel, is seen; large enough for FP16."""
TRACKING_SHARE = 0.02
"""Weight of a batch in the running statistics of the description, once enough were seen."""
VARIANCE_FLOOR = 1e-4
"""Added to a variance, so that a number that never changes stays finite."""
SCALARS = 4
"""Mean p, coverage, uncertainty and contrast join the pooled features."""


@dataclass(frozen=True, kw_only=True)
class AngiogramQualityConfig:
    """Shape of the network: the defaults are variant B, 3,434,227 parameters."""

    size: int = 512
    """Side of the square input in pixels, a multiple of 256."""
    channels: int = 1
    """Input channels: 1, or 3 for the frames before, at and after the graded one."""
    grades: int = 3
    """Number of quality grades; the highest is the best."""
    widths: tuple[int, int, int, int, int] = (32, 64, 128, 256, 320)
    """Channels at strides 2, 4, 8, 16 and 32."""
    depths: tuple[int, int, int, int, int] = (1, 2, 2, 4, 2)
    """DSRes blocks at strides 2, 4, 8, 16 and 32."""
    attentions: tuple[int, int] = (2, 1)
    """L-GSAM blocks at strides 16 and 32."""
    decoder: tuple[int, int, int, int] = (128, 64, 32, 32)
    """Channels of FAM 3, 2, 1 and 0."""
    hidden: int = 128
    """Units of the hidden layer of the classifier."""
    aggregation: bool = True
    """Whether skip connections are gated and channels re-weighted (FAM), or joined plainly."""
    gated: bool = True
    """Whether vessels gate what the grade is told from, or features are averaged over the frame."""


class AngiogramQualityNet(nn.Module):
    """Segmentation-classification network in which the vessels gate the grade.

    A reconstruction in the spirit of Huang et al., Journal of Applied Sciences 43(4):672-683
    (2025), fitted to its printed size; the layers themselves were not published.

    Attributes:
        detach_vessels: while true, no gradient flows from the grade into the vessel map.
        described: length of the description, the vector that the grade is told from.
        standardise: while true, the description is standardised by its running statistics;
            an export folds them into the classifier and switches this off.
    """

    described_mean: Tensor
    described_variance: Tensor
    described_count: Tensor

    def __init__(self, config: AngiogramQualityConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AngiogramQualityConfig()
        self.detach_vessels = False
        self.size = config.size
        c0, c1, c2, c3, c4 = config.widths
        self.stem = nn.Sequential(
            conv_bn(config.channels, c0, 3, stride=2),
            nn.ReLU(),
            *[SeparableResidual(c0, c0) for _ in range(config.depths[0])],
        )
        self.stage1 = _stage(c0, c1, config.depths[1])
        self.stage2 = _stage(c1, c2, config.depths[2])
        self.stage3 = _stage(c2, c3, config.depths[3])
        self.stage4 = _stage(c3, c4, config.depths[4])
        self.attention3 = _attentions(c3, 16, config.attentions[0])
        self.attention4 = _attentions(c4, 32, config.attentions[1])
        d3, d2, d1, d0 = config.decoder
        join = FeatureAggregation if config.aggregation else PlainAggregation
        self.fam3 = join(c3, c4, d3, 16)
        self.fam2 = join(c2, d3, d2, 8)
        self.fam1 = join(c1, d2, d1, 4)
        self.fam0 = join(c0, d1, d0, 2)
        self.tail = nn.Sequential(separable(d0 + config.channels, 16), nn.Conv2d(16, 1, 1))
        self.classifier_in = pointwise(c4, c4)
        self.described = 3 * c4 + SCALARS if config.gated else c4
        self.standardise = True
        self.register_buffer("described_mean", torch.zeros(self.described))
        self.register_buffer("described_variance", torch.ones(self.described))
        self.register_buffer("described_count", torch.zeros(()))
        self.classifier = nn.Sequential(
            nn.Linear(self.described, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.grades),
        )
        self.set_size(config.size)

    def set_size(self, size: int) -> None:
        """Fix the input side in pixels; the parameters stay, so crops and frames share them.

        Raises:
            ValueError: the side is not a positive multiple of 256.
        """
        if size <= 0 or size % SIZE_STEP:
            message = (
                f"expected an input side that is a multiple of {SIZE_STEP} (stride {STRIDE} times "
                f"the {WINDOW}x{WINDOW} attention window), got {size}; pad or resize the frame"
            )
            raise ValueError(message)
        self.size = size
        for block in self.modules():
            if isinstance(block, LocalGlobalAttention | FeatureAggregation):
                block.set_size(size)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """(B, channels, size, size) in [0, 1] -> logits (B, 1, size, size) and (B, grades)."""
        vessels, pooled = self.describe(frame)
        return vessels, self.classifier(pooled)

    def describe(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Vessel logits (B, 1, size, size) and the description (B, described) of the frame."""
        skip0 = self.stem(frame)
        skip1 = self.stage1(skip0)
        skip2 = self.stage2(skip1)
        skip3 = self.attention3(self.stage3(skip2))
        deep = self.attention4(self.stage4(skip3))
        up = self.fam2(skip2, self.fam3(skip3, deep))
        up = self.fam0(skip0, self.fam1(skip1, up))
        vessels = self.tail(torch.cat([upsample(up), frame], 1))
        probability = torch.sigmoid(vessels.detach() if self.detach_vessels else vessels)
        # Differences of means need single precision, whatever the convolutions are computed in.
        with torch.autocast(frame.device.type, enabled=False):
            single = self.described_mean.dtype
            description = self._pool(deep.to(single), probability.to(single), frame.to(single))
            return vessels, self._standardised(description)

    def _standardised(self, description: Tensor) -> Tensor:
        """Zero mean and unit variance: hundreds of positive numbers would move all hidden units
        of the classifier together, and leave them dead."""
        if self.training:
            self._track(description)
        if not self.standardise:
            return description
        return (description - self.described_mean) * torch.rsqrt(self.described_variance)

    @torch.no_grad()
    def _track(self, description: Tensor) -> None:
        """Take a batch into the running statistics; the first batches count more."""
        self.described_count += 1
        share = max(TRACKING_SHARE, 1 / (float(self.described_count) + 1))
        self.described_mean.lerp_(description.mean(0), share)
        spread = (description - self.described_mean).square().mean(0)
        self.described_variance.lerp_(spread + VARIANCE_FLOOR, share)

    def _pool(self, deep: Tensor, probability: Tensor, frame: Tensor) -> Tensor:
        side = self.size // STRIDE
        if not self.config.gated:
            return global_mean(self.classifier_in(deep), side).flatten(1)
        coarse = functional.avg_pool2d(probability, STRIDE)
        doubt = functional.avg_pool2d(4 * probability * (1 - probability), STRIDE)
        brightness = functional.avg_pool2d(frame[:, :1], STRIDE)
        features = self.classifier_in(deep)
        contrast = _weighted_mean(brightness, coarse, side) - _weighted_mean(
            brightness, 1 - coarse, side
        )
        pooled = torch.cat(
            [
                global_mean(features, side),
                _weighted_mean(features, coarse, side),
                _weighted_mean(features, 1 - coarse, side),
                global_mean(coarse, side),
                global_mean(torch.clamp(20 * coarse, 0, 1), side),
                global_mean(doubt, side),
                contrast,
            ],
            1,
        )
        return pooled.flatten(1)


def _weighted_mean(x: Tensor, weight: Tensor, side: int) -> Tensor:
    return global_mean(x * weight, side) / (global_mean(weight, side) + EPSILON)


def _stage(channels_in: int, channels_out: int, depth: int) -> nn.Sequential:
    blocks = [SeparableResidual(channels_out, channels_out) for _ in range(depth - 1)]
    return nn.Sequential(SeparableResidual(channels_in, channels_out, 2), *blocks)


def _attentions(channels: int, stride: int, count: int) -> nn.Sequential:
    return nn.Sequential(*[LocalGlobalAttention(channels, stride) for _ in range(count)])


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
