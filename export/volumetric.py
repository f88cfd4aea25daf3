"""Exact rewrites of the volumetric networks, their export to ONNX, and the check of both."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from export.graph import check_difference, open_session, relative_difference, write_graph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OPERATORS = {"Add", "Concat", "Constant", "Conv", "MaxPool", "Relu", "Reshape", "Transpose"}
"""All that the graphs may hold: no BatchNorm, no transposed convolution, no dynamic shape."""


class ShuffleUp(nn.Module):
    """A transposed convolution with kernel = stride as a 1x1x1 convolution and a shuffle, exactly.

    TensorRT has no per-channel INT8 scales for transposed convolutions; a 1x1x1 convolution is an
    ordinary one. Every output block of the kernel's size comes from one input voxel, so the kernel
    becomes channels, and channels become places.
    """

    def __init__(self, transposed: nn.ConvTranspose3d) -> None:
        super().__init__()
        if transposed.kernel_size != transposed.stride or transposed.groups != 1:
            message = (
                "expected a transposed convolution with kernel = stride and one group, got kernel "
                f"{transposed.kernel_size}, stride {transposed.stride}"
            )
            raise ValueError(message)
        self.block = tuple(int(side) for side in transposed.kernel_size)
        channels = transposed.out_channels
        places = int(np.prod(self.block))
        bias = transposed.bias is not None
        self.convolution = nn.Conv3d(transposed.in_channels, channels * places, 1, bias=bias)
        with torch.no_grad():
            weight = transposed.weight.reshape(transposed.in_channels, channels * places)
            self.convolution.weight.copy_(weight.T[:, :, None, None, None])
            if self.convolution.bias is not None and transposed.bias is not None:
                self.convolution.bias.copy_(transposed.bias.repeat_interleave(places))

    def forward(self, x: Tensor) -> Tensor:
        """(B, Cin, D, H, W) -> (B, Cout, D kz, H ky, W kx)."""
        batch, _, depth, rows, columns = x.shape
        kz, ky, kx = self.block
        y = self.convolution(x).reshape(batch, -1, kz, ky, kx, depth, rows, columns)
        y = y.permute(0, 1, 5, 2, 6, 3, 7, 4)
        out: Tensor = y.reshape(batch, -1, depth * kz, rows * ky, columns * kx)
        return out


def rewritten(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode without BatchNorm and transposed convolutions, computing the same.

    Raises:
        ValueError: a BatchNorm stands elsewhere than after a convolution.
    """
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            _fold(module)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ConvTranspose3d):
                setattr(module, name, ShuffleUp(child))
    left = [name for name, kind in network.named_modules() if isinstance(kind, nn.BatchNorm3d)]
    if left:
        message = f"expected every BatchNorm after a convolution, got one at {left[0]}"
        raise ValueError(message)
    return network


def _fold(block: nn.Sequential) -> None:
    for index in range(len(block) - 1):
        convolution, norm = block[index], block[index + 1]
        if not isinstance(norm, nn.BatchNorm3d):
            continue
        if isinstance(convolution, nn.Conv3d):
            block[index] = fuse_conv_bn_eval(convolution, norm)
            block[index + 1] = nn.Identity()
        elif isinstance(convolution, nn.ConvTranspose3d):
            block[index] = fuse_conv_bn_eval(convolution, norm, transpose=True)
            block[index + 1] = nn.Identity()


def export(network: nn.Module, path: Path, inputs: dict[str, Tensor], outputs: list[str]) -> float:
    """Write the graph with static shapes and compare it with the network on the inputs.

    Args:
        network: as it was trained.
        path: of the ONNX file.
        inputs: one example by name; its shape becomes the graph's.
        outputs: names, in the order the network gives them.

    Returns:
        The largest relative difference between network and graph.

    Raises:
        ValueError: the graph has another opset, an operator that the targets cannot take, or
            computes something else than the network.
    """
    plain = rewritten(network).float()
    write_graph(plain, tuple(inputs.values()), path, list(inputs), outputs)
    _check_operators(path)
    with torch.no_grad():
        answers = network.eval()(*inputs.values())
    expected = answers if isinstance(answers, tuple) else (answers,)
    return _check_parity(path, inputs, dict(zip(outputs, expected, strict=True)))


def _check_operators(path: Path) -> None:
    unwanted = {node.op_type for node in onnx.load(str(path)).graph.node} - OPERATORS - {"Identity"}
    if unwanted:
        message = (
            f"expected the operators {sorted(OPERATORS)} in {path.name}, got {sorted(unwanted)}"
        )
        raise ValueError(message)


def _check_parity(path: Path, inputs: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    session = open_session(path)
    feed = {name: tensor.numpy() for name, tensor in inputs.items()}
    got: Sequence[np.ndarray] = session.run(list(expected), feed)
    worst = max(
        relative_difference(tensor.numpy(), array)
        for tensor, array in zip(expected.values(), got, strict=True)
    )
    check_difference(worst, path)
    return worst
