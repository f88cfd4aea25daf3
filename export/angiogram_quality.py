"""Exports the angiogram quality network to ONNX and checks that it computes the same."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch

from export.fold import folded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.networks.angiogram_quality import AngiogramQualityNet

OPSET = 17
"""The newest opset that TensorRT 8.6 reads."""
INPUT, VESSELS, GRADE = "frame", "vessels", "grade"
TOLERANCE = 1e-4
"""Largest accepted difference between network and graph, as a fraction of the largest logit."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Largest differences of the logits, divided by the largest logit where that exceeds one."""

    vessels: float
    """Of the vessel logits."""
    grade: float
    """Of the grade logits."""


def export(network: AngiogramQualityNet, path: Path) -> Parity:
    """Write the graph with static shapes (1, channels, size, size) and compare it to the network.

    Raises:
        ValueError: the graph has another opset, a BatchNorm, a dynamic shape, or computes
            something else than the network.
    """
    plain = folded(network).float()
    frame = torch.zeros(1, network.config.channels, network.size, network.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The newer exporter cannot write opset 17, so the older one is called on purpose.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            plain,
            (frame,),
            str(path),
            input_names=[INPUT],
            output_names=[VESSELS, GRADE],
            opset_version=OPSET,
            dynamo=False,
        )
    _check_graph(path)
    return _check_parity(network, path)


def _check_graph(path: Path) -> None:
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if versions != {"": OPSET}:
        message = (
            f"expected opset {OPSET} and no other domain, got {versions}; use another exporter"
        )
        raise ValueError(message)
    kinds = {node.op_type for node in model.graph.node}
    unwanted = kinds & {"BatchNormalization", "Shape", "ReduceMean", "If", "Loop"}
    if unwanted:
        message = (
            f"expected a static graph without BatchNorm, got {sorted(unwanted)} in {path.name}"
        )
        raise ValueError(message)
    for value in (*model.graph.input, *model.graph.output):
        if not all(entry.dim_value for entry in value.type.tensor_type.shape.dim):
            message = f"expected static shapes, got a dynamic one at {value.name}"
            raise ValueError(message)


def _check_parity(network: AngiogramQualityNet, path: Path) -> Parity:
    """Compare on a seeded frame with edges, noise and saturated parts."""
    side, rng = network.size, np.random.default_rng(0)
    frame = rng.random((1, network.config.channels, side, side), np.float32)
    frame[..., side // 4 : side // 2, :] = 0.0
    frame[..., side // 2 :, side // 2 :] = np.clip(frame[..., side // 2 :, side // 2 :] * 3, 0, 1)
    with torch.no_grad():
        expected = [output.numpy() for output in network.eval()(torch.from_numpy(frame))]
    got = run(path, frame)
    differences = [relative_difference(a, b) for a, b in zip(expected, got, strict=True)]
    if not max(differences) <= TOLERANCE:
        message = (
            f"expected the graph to follow the network within {TOLERANCE}, got a difference of "
            f"{max(differences):.2e}; do not ship {path.name}"
        )
        raise ValueError(message)
    return Parity(vessels=differences[0], grade=differences[1])


def relative_difference(expected: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """Largest absolute difference, divided by the largest expected value where that exceeds one."""
    return float(np.abs(expected - got).max() / max(1.0, float(np.abs(expected).max())))


def run(path: Path, frame: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vessel logits and grade logits of one frame (1, channels, size, size), by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    vessels, grade = session.run([VESSELS, GRADE], {INPUT: frame})
    return vessels, grade
