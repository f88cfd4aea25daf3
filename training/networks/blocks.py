"""Building blocks of the angiogram quality network: DS, DSRes, L-GSAM and FAM."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_CHANNELS = 32
"""Channels of one attention head: fused INT8 attention accepts 16, 32 or 64."""
WINDOW = 8
"""Side of a local attention window, and of the pooled map the global half attends to."""


def conv_bn(
    channels_in: int,
    channels_out: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution without bias, "same" padding, then BatchNorm."""
    convolution = nn.Conv2d(
        channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))


def pointwise(channels_in: int, channels_out: int) -> nn.Sequential:
    """1x1 convolution, BatchNorm, ReLU."""
    return nn.Sequential(conv_bn(channels_in, channels_out, 1), nn.ReLU())


def depthwise(channels: int, stride: int = 1) -> nn.Sequential:
    """Depthwise 3x3 convolution, BatchNorm, ReLU."""
    return nn.Sequential(conv_bn(channels, channels, 3, stride=stride, groups=channels), nn.ReLU())


def separable(channels_in: int, channels_out: int) -> nn.Sequential:
    """Depthwise-separable convolution: the DS block."""
    return nn.Sequential(depthwise(channels_in), pointwise(channels_in, channels_out))


def upsample(x: Tensor) -> Tensor:
    """Bilinear x2 with half-pixel centres: (B, C, H, W) -> (B, C, 2H, 2W)."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class SeparableResidual(nn.Module):
    """Two depthwise-separable convolutions with a skip: the DSRes block."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            depthwise(channels_in, stride),
            pointwise(channels_in, channels_out),
            depthwise(channels_out),
            conv_bn(channels_out, channels_out, 1),
        )
        same_shape = channels_in == channels_out and stride == 1
        self.skip: nn.Module = (
            nn.Identity() if same_shape else conv_bn(channels_in, channels_out, 1, stride=stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, H, W) -> (B, Cout, H / stride, W / stride)."""
        return functional.relu(self.body(x) + self.skip(x))


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention over (..., tokens, channels of one head)."""
    scores = (query * HEAD_CHANNELS**-0.5) @ key.transpose(-1, -2)
    return torch.softmax(scores, dim=-1) @ value


class LocalGlobalAttention(nn.Module):
    """Half of the heads attend inside 8x8 windows, half to an 8x8 summary of the map: L-GSAM.

    BatchNorm stands where transformers have LayerNorm, because it folds into the 1x1 convolution
    that follows. The map lies at `stride` of the input; its side is fixed by `set_size`, so that
    every reshape exports as a constant.
    """

    def __init__(self, channels: int, stride: int, expansion: int = 2) -> None:
        super().__init__()
        half = channels // 2
        self.stride, self.side = stride, 0
        self.heads = half // HEAD_CHANNELS
        self.position = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels)
        self.attention_norm = nn.BatchNorm2d(channels)
        self.local_qkv = nn.Conv2d(channels, 3 * half, 1)
        self.global_query = nn.Conv2d(channels, half, 1)
        self.global_key_value = nn.Conv2d(channels, 2 * half, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self.mlp_norm = nn.BatchNorm2d(channels)
        self.mlp_in = nn.Conv2d(channels, expansion * channels, 1)
        self.mlp_out = nn.Conv2d(expansion * channels, channels, 1)
        for last in (self.project, self.mlp_out):  # a new block adds nothing, and then learns what
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, side, side) -> the same shape."""
        x = x + self.position(x)
        y = self.attention_norm(x)
        x = x + self.project(torch.cat([self._attend_locally(y), self._attend_globally(y)], 1))
        out: Tensor = x + self.mlp_out(functional.relu(self.mlp_in(self.mlp_norm(x))))
        return out

    def set_size(self, size: int) -> None:
        """Fix the side of the network's input in pixels."""
        self.side = size // self.stride

    def _attend_locally(self, y: Tensor) -> Tensor:
        batch, windows = y.shape[0], self.side // WINDOW
        grid = (3, self.heads, HEAD_CHANNELS, windows, WINDOW, windows, WINDOW)
        tokens = self.local_qkv(y).reshape(batch, *grid).permute(1, 0, 4, 6, 2, 5, 7, 3)
        tokens = tokens.reshape(
            3, batch * windows * windows, self.heads, WINDOW * WINDOW, HEAD_CHANNELS
        )
        out = attend(tokens[0], tokens[1], tokens[2])
        out = out.reshape(
            batch, windows, windows, self.heads, WINDOW, WINDOW, HEAD_CHANNELS
        ).permute(0, 3, 6, 1, 4, 2, 5)
        return out.reshape(batch, self.heads * HEAD_CHANNELS, self.side, self.side)

    def _attend_globally(self, y: Tensor) -> Tensor:
        batch, heads = y.shape[0], self.heads
        query = self.global_query(y).reshape(batch, heads, HEAD_CHANNELS, self.side**2)
        summary = functional.avg_pool2d(y, self.side // WINDOW)
        key_value = self.global_key_value(summary).reshape(
            batch, 2, heads, HEAD_CHANNELS, WINDOW * WINDOW
        )
        key_value = key_value.transpose(-1, -2)
        out = attend(query.transpose(-1, -2), key_value[:, 0], key_value[:, 1])
        return out.transpose(-1, -2).reshape(batch, heads * HEAD_CHANNELS, self.side, self.side)


class FeatureAggregation(nn.Module):
    """Gates a skip connection by the deep feature, fuses both, re-weights the channels: FAM.

    In the spirit of Attention U-Net (arXiv 1804.03999) and SA-UNet (arXiv 2004.03696).
    The output lies at `stride` of the input, whose side is fixed by `set_size`.
    """

    def __init__(self, skip: int, deep: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride, self.side = stride, 0
        self.skip_in = pointwise(skip, out)
        self.deep_in = pointwise(deep, out)
        self.gate = nn.Sequential(depthwise(out), nn.Conv2d(out, 1, 1))
        self.fuse = separable(2 * out, out)
        self.reweight = nn.Sequential(
            nn.Conv2d(out, out // 4, 1), nn.ReLU(), nn.Conv2d(out // 4, out, 1)
        )
        self.out = separable(out, out)

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        """Skip (B, Cs, H, W) and deep (B, Cd, H / 2, W / 2) -> (B, Co, H, W)."""
        up = upsample(self.deep_in(deep))
        near = self.skip_in(skip)
        near = near * torch.sigmoid(self.gate(near + up))
        fused = self.fuse(torch.cat([near, up], 1))
        fused = fused * torch.sigmoid(self.reweight(global_mean(fused, self.side)))
        out: Tensor = self.out(fused) + up
        return out

    def set_size(self, size: int) -> None:
        """Fix the side of the network's input in pixels."""
        self.side = size // self.stride


class PlainAggregation(nn.Module):
    """What a feature aggregation is compared with: concatenation, no gate, no weights."""

    def __init__(self, skip: int, deep: int, out: int, stride: int) -> None:  # noqa: ARG002
        super().__init__()
        self.skip_in = pointwise(skip, out)
        self.deep_in = pointwise(deep, out)
        self.fuse = separable(2 * out, out)
        self.out = separable(out, out)

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        """Skip (B, Cs, H, W) and deep (B, Cd, H / 2, W / 2) -> (B, Co, H, W)."""
        up = upsample(self.deep_in(deep))
        out: Tensor = self.out(self.fuse(torch.cat([self.skip_in(skip), up], 1))) + up
        return out


def global_mean(x: Tensor, side: int) -> Tensor:
    """Mean over a (B, C, side, side) map as (B, C, 1, 1), by pools of at most 32x32.

    Fixed-size pools, because ReduceMean ties the exported file to newer opsets, and small ones,
    because inference libraries refuse or crawl on a pool as large as a frame.
    """
    while side > 1:
        step = min(side, 32)
        x = functional.avg_pool2d(x, step)
        side //= step
    return x
