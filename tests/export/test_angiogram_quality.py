"""The exported graph computes what the network computes, in the form the device needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.angiogram_quality import export, run
from export.fold import folded
from export.graph import TOLERANCE
from training.networks.angiogram_quality import AngiogramQualityConfig, AngiogramQualityNet

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def network() -> AngiogramQualityNet:
    """The whole network for 256 x 256, with normalisations that do something."""
    torch.manual_seed(3)
    network = AngiogramQualityNet(AngiogramQualityConfig(size=256)).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    network.described_mean.normal_(0.5, 0.3)
    network.described_variance.uniform_(0.2, 2.0)
    return network


@pytest.fixture(scope="module")
def graph(network: AngiogramQualityNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its exported graph."""
    path = tmp_path_factory.mktemp("export") / "graph.onnx"
    parity = export(network, path)
    assert max(parity.vessels, parity.grade) <= TOLERANCE
    return path


def test_folding_is_exact(network: AngiogramQualityNet) -> None:
    plain = folded(network.double())
    frame = torch.rand(1, 1, 256, 256, dtype=torch.float64)
    with torch.no_grad():
        for expected, got in zip(network(frame), plain(frame), strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)
    network.float()


def test_a_stray_normalisation_is_refused() -> None:
    with pytest.raises(ValueError, match="got one at 0"):
        folded(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()))


def test_graph_has_the_promised_form(graph: Path) -> None:
    model = onnx.load(str(graph))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"BatchNormalization", "Shape", "ReduceMean"}
    shapes = {
        value.name: [entry.dim_value for entry in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "frame": [1, 1, 256, 256],
        "vessels": [1, 1, 256, 256],
        "grade": [1, 3],
    }


def test_graph_follows_the_network_on_other_frames(
    network: AngiogramQualityNet, graph: Path
) -> None:
    for seed in range(2):
        frame = np.random.default_rng(seed).random((1, 1, 256, 256), np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(frame))
        for a, b in zip(expected, run(graph, frame), strict=True):
            np.testing.assert_allclose(b, a.numpy(), rtol=0, atol=TOLERANCE)


def test_export_leaves_the_network_as_it_was(network: AngiogramQualityNet, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    export(network, tmp_path / "graph.onnx")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
