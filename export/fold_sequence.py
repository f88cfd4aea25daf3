"""Rewrites the streaming sequence network exactly into fewer and plainer convolutions."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.fold import fold_backward
from training.networks.lattice import FeatureFuse, Lattice, UpSide
from training.networks.sequence_blocks import SLOPE, SequenceDown

if TYPE_CHECKING:
    from training.networks.artery_stream import StreamingVssNet


def folded_stream(network: StreamingVssNet) -> StreamingVssNet:
    """A copy in evaluation mode that computes the same without BatchNorm and second logits.

    Raises:
        ValueError: a normalisation is left, such as InstanceNorm, which cannot be folded.
    """
    network = copy.deepcopy(network).eval()
    precision = next(network.parameters()).dtype
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            fold_backward(module)
        elif isinstance(module, UpSide):
            _fold_up(module)
        for name, child in list(module.named_children()):
            if isinstance(child, SequenceDown) and isinstance(child.norm, nn.BatchNorm2d):
                setattr(module, name, FoldedDown(child))
            elif isinstance(child, FeatureFuse):
                setattr(module, name, FoldedFuse(child))
        if isinstance(module, Lattice):
            for name, head in module.logits.items():
                module.logits[name] = difference_head(head)
    network.filled = difference_head(network.filled)
    kinds = (nn.BatchNorm2d, nn.InstanceNorm2d)
    left = [name for name, kind in network.named_modules() if isinstance(kind, kinds)]
    if left:
        message = (
            f"expected BatchNorm behind convolutions alone, {left[0]} cannot be folded; "
            "train the streaming network with norm=batch"
        )
        raise ValueError(message)
    return network.to(precision)


class FoldedDown(nn.Module):
    """`SequenceDown` as a convolution of the raw frame and one of the maps."""

    def __init__(self, down: SequenceDown) -> None:
        super().__init__()
        scale, shift = _affine(down.norm)
        of_frame, of_maps = down.split()
        self.of_frame = _convolution(of_frame * scale[:, None, None, None], None, stride=2)
        self.of_maps = _convolution(of_maps * scale[:, None, None, None], shift, stride=2)

    def forward(self, frames: Tensor, maps: Tensor) -> Tensor:
        """As `SequenceDown`."""
        return functional.leaky_relu(self.of_frame(frames) + self.of_maps(maps), SLOPE)


class FoldedFuse(nn.Module):
    """`FeatureFuse` with the 1x1 kernel in the centre of the 3x3, and without BatchNorm."""

    def __init__(self, fuse: FeatureFuse) -> None:
        super().__init__()
        scale, shift = _affine(fuse.norm)
        near = fuse.near.weight.detach().clone()
        near[:, :, 1, 1] += fuse.point.weight.detach()[:, :, 0, 0]
        self.near = _convolution(near * scale[:, None, None, None], shift, padding=1)
        far = fuse.far.weight.detach() * scale[:, None, None, None]
        self.far = _convolution(far, None, padding=2, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        """As `FeatureFuse`."""
        out: Tensor = self.near(x) + self.far(x)
        return out


def difference_head(head: nn.Module) -> nn.Conv2d:
    """A head that gives the difference of its second and its first half of logits.

    Raises:
        TypeError: this is no convolution with a bias.
    """
    if not isinstance(head, nn.Conv2d) or head.bias is None:
        message = f"expected a convolution with a bias as head, got {head}"
        raise TypeError(message)
    background, artery = head.weight.detach().chunk(2)
    lower, upper = head.bias.detach().chunk(2)
    return _convolution(artery - background, upper - lower, padding=head.kernel_size[0] // 2)


@torch.no_grad()
def _fold_up(side: UpSide) -> None:
    """BatchNorm behind depth-to-space: every four channels of the convolution become one."""
    scale, shift = (entry.repeat_interleave(4) for entry in _affine(side.norm))
    weight = side.convolution.weight.detach() * scale[:, None, None, None]
    side.convolution = _convolution(weight, shift)
    side.norm = nn.Identity()  # type: ignore[assignment]


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and shift of an evaluated BatchNorm, in double precision."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
        message = f"expected a BatchNorm with running statistics, got {norm}"
        raise TypeError(message)
    variance = norm.running_var
    scale = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)  # type: ignore[union-attr]
    return scale.detach(), (norm.bias.double() - norm.running_mean.double() * scale).detach()


def _convolution(
    weight: Tensor, bias: Tensor | None, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> nn.Conv2d:
    """A convolution with these weights, in their precision."""
    after, before, *kernel = weight.shape
    made = nn.Conv2d(before, after, (kernel[0], kernel[1]), stride, padding, dilation,
                     bias=bias is not None)  # fmt: skip
    made.weight = nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach(), requires_grad=False)
    return made
