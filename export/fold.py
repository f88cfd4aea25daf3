"""Folds every BatchNorm of an evaluated network into its convolutions, exactly."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.networks.angiogram_quality import AngiogramQualityNet
from training.networks.blocks import LocalGlobalAttention


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that computes the same without BatchNorm or standardisation.

    Raises:
        ValueError: a BatchNorm stands where it cannot be folded.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            fold_backward(module)
        elif isinstance(module, LocalGlobalAttention):
            _fold_attention(module)
        elif isinstance(module, AngiogramQualityNet):
            _fold_standardisation(module)
    left = [name for name, kind in network.named_modules() if isinstance(kind, nn.BatchNorm2d)]
    if left:
        message = (
            "expected every BatchNorm after a convolution or before the 1x1 convolutions of an "
            f"attention block, got one at {left[0]}; write its folding in export/fold.py"
        )
        raise ValueError(message)
    return network


def fold_backward(block: nn.Sequential) -> None:
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
def _fold_standardisation(network: AngiogramQualityNet) -> None:
    """W ((x - m) / d) + b = (W / d) x + (b - W / d m), computed in double precision."""
    first = network.classifier[0]
    if not isinstance(first, nn.Linear):
        message = f"expected a linear layer to fold the standardisation into, got {first}"
        raise TypeError(message)
    weight = first.weight.double() * torch.rsqrt(network.described_variance.double())
    first.bias.copy_(first.bias.double() - weight @ network.described_mean.double())
    first.weight.copy_(weight)
    network.standardise = False


@torch.no_grad()
def _fold_forward(norm: nn.Module, convolution: nn.Conv2d) -> None:
    """W (s x + t) + b = (W s) x + (W t + b), computed in double precision."""
    if (
        not isinstance(norm, nn.BatchNorm2d)
        or norm.running_mean is None
        or norm.running_var is None
        or convolution.bias is None
    ):
        message = (
            f"expected a BatchNorm with running statistics before a convolution with a bias, got "
            f"{norm} before {convolution}; fold a network once, after its training"
        )
        raise ValueError(message)
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    weight = convolution.weight.double()[:, :, 0, 0]
    bias = convolution.bias.double() + weight @ shift
    convolution.weight.copy_((weight * scale)[:, :, None, None])
    convolution.bias.copy_(bias)
