"""The exported step follows the network, remembers every frame, and runs in a session."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import networks
import numpy as np
import onnx
import pytest
import torch
from torch import nn

import sdk
from export.artery_folder import GOLDEN_FRAMES, make_folder
from export.artery_sequence import check_influence, export, run_graph
from export.fold_sequence import FoldedDown, FoldedFuse, folded_stream
from export.graph import TOLERANCE
from training.networks.artery_stream import StreamingVssNet
from training.networks.lattice import FeatureFuse
from training.networks.sequence_blocks import SequenceConfig, SequenceDown
from training.phantoms.artery_sequence import phantom_sequence
from training.preprocess import frames_of
from training.recipes.artery_sequence import RECIPES
from training.recipes.checkpoint import save_weights

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 64
TINY = SequenceConfig(widths=(4, 6, 8, 10), stride=2, norm="batch", decoder="plain", dropout=0.1)


def worked(network: nn.Module) -> nn.Module:
    """With normalisations that do something."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def network() -> StreamingVssNet:
    torch.manual_seed(0)
    return worked(StreamingVssNet(TINY))


@pytest.fixture(scope="module")
def graph(network: StreamingVssNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "graph.onnx"
    parity = export(network, path, SIDE)
    assert max(asdict(parity).values()) <= TOLERANCE
    return path


@pytest.mark.parametrize("decoder", ["plain", "full_resolution"])
def test_folding_is_exact(decoder: str) -> None:
    torch.manual_seed(1)
    config = replace(TINY, decoder=decoder)  # type: ignore[arg-type]
    network = worked(StreamingVssNet(config)).double()
    plain = folded_stream(network)
    assert not any(isinstance(kind, nn.BatchNorm2d) for kind in plain.modules())
    sequence = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        for a, b in zip(*(vars(net(sequence)).values() for net in (network, plain)), strict=True):
            torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-9)


def test_merged_kernels_are_exact() -> None:
    torch.manual_seed(2)
    fuse = worked(FeatureFuse(5, 3)).double()
    down = worked(SequenceDown(5, 3, TINY)).double()
    x, frame = torch.randn(1, 5, 8, 8).double(), torch.randn(1, 1, 8, 8).double()
    with torch.no_grad():
        torch.testing.assert_close(FoldedFuse(fuse)(x), fuse(x))
        torch.testing.assert_close(FoldedDown(down)(frame, x), down(frame, x))


def test_instance_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="norm=batch"):
        folded_stream(StreamingVssNet(replace(TINY, norm="instance")))


def test_a_size_that_does_not_fit_is_refused(network: StreamingVssNet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 16, got 72"):
        export(network, tmp_path / "graph.onnx", 72)


def test_graph_has_the_promised_form(graph: Path) -> None:
    model = onnx.load(str(graph))
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"BatchNormalization", "Dropout", "ConvTranspose", "Resize"}
    inputs, outputs = ([v.name for v in side] for side in (model.graph.input, model.graph.output))
    states = StreamingVssNet.state_names()
    assert inputs == ["frame", *(f"{name}_in" for name in states)]
    assert outputs == ["arteries", "filled", *(f"{name}_out" for name in states)]


def test_a_graph_that_forgets_is_refused(tmp_path: Path) -> None:
    """A graph that hands its state back unread."""
    shape = [1, 1, 8, 8]
    nodes = [
        onnx.helper.make_node("Neg", ["frame"], ["arteries"]),
        onnx.helper.make_node("Identity", ["hidden_in"], ["hidden_out"]),
    ]
    ends = [[networks.tensor(name, shape) for name in side] for side in (
        ("frame", "hidden_in"), ("arteries", "hidden_out"))]  # fmt: skip
    path = networks.save(tmp_path / "graph.onnx", nodes, *ends)
    frames = np.random.default_rng(0).normal(size=(3, 1, 1, 8, 8)).astype(np.float32)
    with pytest.raises(ValueError, match="frame 0 of 3 has no influence"):
        check_influence(path, frames)


def test_a_session_runs_the_folder_as_torch_recorded_it(
    network: StreamingVssNet, tmp_path: Path
) -> None:
    """Opening compares a golden run of several frames; live and offline answers are equal."""
    recipe = asdict(replace(RECIPES["stream"], network=TINY))
    save_weights(tmp_path / "weights.safetensors", network, {"recipe": recipe, "state": {}})
    folder = make_folder(tmp_path / "weights.safetensors", None, tmp_path / "model", size=SIDE)
    assert "GMAC per frame of 64 x 64" in folder.manifest.origin["network"]
    assert len(folder.golden()) == GOLDEN_FRAMES
    run = frames_of(phantom_sequence(4, 256))[:4]
    with sdk.Session(folder.path, task=sdk.ArterySequence, threads=1) as session:
        offline = [outcome.require() for outcome in session.stream(run)]
        session.reset()
        for frame, expected in zip(run, offline, strict=True):
            answer = session(frame).require()
            np.testing.assert_array_equal(answer.vessels.mask, expected.vessels.mask)
            np.testing.assert_array_equal(answer.arrival_frame, expected.arrival_frame)
        images = np.random.default_rng(0).normal(0, 0.3, (3, 1, 1, SIDE, SIDE)).astype(np.float32)
        backend, answers = session._backend, []
        backend.begin_run()
        for image in images:
            backend.inputs["frame"][...] = image
            backend.run()
            answers.append(backend.outputs["arteries"].copy())
    expected = run_graph(folder.path / "graph.fp32.onnx", images)
    for got, (arteries, *_) in zip(answers, expected, strict=True):
        np.testing.assert_allclose(got, arteries, rtol=1e-4, atol=1e-5)


def test_weights_of_another_recipe_are_refused(network: StreamingVssNet, tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.safetensors", network, {"recipe": {"network": {}}})
    with pytest.raises(ValueError, match="of the recipe stream"):
        make_folder(tmp_path / "weights.safetensors", None, tmp_path / "model")
