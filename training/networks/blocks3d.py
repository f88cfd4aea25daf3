"""Building blocks of the volumetric networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

Kernel = int | tuple[int, int, int]


def conv_bn(
    channels_in: int, channels_out: int, kernel: int = 3, *, stride: int = 1
) -> nn.Sequential:
    """Convolution without bias, "same" padding, then BatchNorm."""
    convolution = nn.Conv3d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(channels_out))


def conv_bn_relu(
    channels_in: int, channels_out: int, kernel: int = 3, *, stride: int = 1
) -> nn.Sequential:
    """Convolution, BatchNorm, ReLU."""
    return nn.Sequential(*conv_bn(channels_in, channels_out, kernel, stride=stride), nn.ReLU())


class Residual(nn.Module):
    """Two 3x3x3 convolutions with a skip, which is a 1x1x1 convolution where channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(channels_in, channels_out), conv_bn(channels_out, channels_out)
        )
        same = channels_in == channels_out
        self.skip = nn.Identity() if same else conv_bn(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, D, H, W) -> (B, Cout, D, H, W)."""
        return functional.relu(self.body(x) + self.skip(x))


def up(channels_in: int, channels_out: int) -> nn.Sequential:
    """Transposed convolution x2, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.ConvTranspose3d(channels_in, channels_out, 2, 2, bias=False),
        nn.BatchNorm3d(channels_out),
        nn.ReLU(),
    )
