"""Volumetric graphs compute what their networks compute, in operators the targets take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest
import torch
from torch import nn

from export.volumetric import OPERATORS, ShuffleUp, export, rewritten
from training.networks.brain_regions import BrainRegionsConfig, BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedConfig, MicrobleedNet

if TYPE_CHECKING:
    from pathlib import Path

DETECTOR = MicrobleedConfig(widths=(4, 4, 6, 6, 8), fused=6, anchors=(5.0, 10.0))


def used(network: nn.Module) -> nn.Module:
    """The network with normalisations that do something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("block", [(2, 2, 2), (1, 2, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_shuffle_is_a_transposed_convolution(block: tuple[int, int, int], *, bias: bool) -> None:
    torch.manual_seed(0)
    transposed = nn.ConvTranspose3d(5, 3, block, block, bias=bias)
    x = torch.randn(2, 5, 3, 4, 2)
    with torch.no_grad():
        torch.testing.assert_close(ShuffleUp(transposed)(x), transposed(x), rtol=0, atol=1e-6)


def test_other_transposed_convolutions_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel = stride"):
        ShuffleUp(nn.ConvTranspose3d(2, 2, 3, 2))


def test_a_stray_normalisation_is_refused() -> None:
    with pytest.raises(ValueError, match="got one at 0"):
        rewritten(nn.Sequential(nn.BatchNorm3d(3), nn.ReLU()))


@pytest.mark.parametrize("stem", ["full", "half"])
def test_the_detector_exports_exactly(stem: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = MicrobleedConfig(stem=stem, widths=(4, 4, 6, 6, 8), fused=6, anchors=(5.0, 10.0))
    network = used(MicrobleedNet(config))
    tile = {"tile": torch.rand(1, 2, 32, 32, 32)}
    assert export(network, tmp_path / "graph.onnx", tile, ["logits", "offsets"]) <= 1e-4
    model = onnx.load(str(tmp_path / "graph.onnx"))
    shapes = {
        value.name: [entry.dim_value for entry in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "tile": [1, 2, 32, 32, 32],
        "logits": [1, 2, 8, 8, 8],
        "offsets": [1, 8, 8, 8, 8],
    }


def test_the_regions_network_exports_exactly(tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = used(BrainRegionsNet(BrainRegionsConfig(widths=(4, 4, 6, 8))))
    patch = {"patch": torch.rand(1, 5, 4, 16, 16)}
    assert export(network, tmp_path / "graph.onnx", patch, ["regions"]) <= 1e-4
    model = onnx.load(str(tmp_path / "graph.onnx"))
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert [entry.version for entry in model.opset_import] == [17]


def test_a_graph_that_differs_is_refused(tmp_path: Path) -> None:
    class Unsteady(nn.Module):
        """Computes something else on every call."""

        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv3d(2, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                self.convolution.weight += 1.0
            return self.convolution(x)

    with pytest.raises(ValueError, match="do not ship"):
        export(Unsteady(), tmp_path / "g.onnx", {"x": torch.rand(1, 2, 4, 4, 4)}, ["y"])
