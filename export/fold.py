"""Folds every BatchNorm of a network in evaluation mode into its convolutions: exact, no nodes left."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.networks.blocks import LocalGlobalAttention


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that computes the same without BatchNorm.

    Raises:
        ValueError: a BatchNorm stands where it cannot be folded.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            _fold_backward(module)
        elif isinstance(module, LocalGlobalAttention):
            _fold_attention(module)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            message = (
                f"expected a BatchNorm after a convolution or before the 1x1 convolutions of an "
                f"attention block, got one at {name}; write its folding in export/fold.py"
            )
            raise ValueError(message)
    return network


def _fold_backward(block: nn.Sequential) -> None:
    """Convolution, then BatchNorm: into the convolution before."""
    for index in range(len(block) - 1):
        convolution, norm = block[index], block[index + 1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            block[index] = fuse_conv_bn_eval(convolution, norm)
            block[index + 1] = nn.Identity()


def _fold_attention(block: LocalGlobalAttention) -> None:
    """BatchNorm, then 1x1 convolutions: into those after; an average pool between commutes."""
    norm = block.attention_norm
    for convolution in (block.local_qkv, block.global_query, block.global_key_value):
        _fold_forward(norm, convolution)
    _fold_forward(block.mlp_norm, block.mlp_in)
    block.attention_norm = block.mlp_norm = nn.Identity()  # type: ignore[assignment]


@torch.no_grad()
def _fold_forward(norm: nn.Module, convolution: nn.Conv2d) -> None:
    """W (s x + t) + b = (W s) x + (W t + b), computed in double precision."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None:
        message = f"expected a BatchNorm with running statistics, got {norm}; fold a network once"
        raise ValueError(message)
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    weight = convolution.weight.double()[:, :, 0, 0]
    bias = convolution.bias.double() + weight @ shift
    convolution.weight.copy_((weight * scale)[:, :, None, None])
    convolution.bias.copy_(bias)
