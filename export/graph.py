"""Writes a torch module as an ONNX graph of the form that every device reads, and checks it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

OPSET = 17
"""The newest opset that TensorRT 8.6 reads."""
TOLERANCE = 1e-4
"""Largest accepted difference between network and graph, as a fraction of the largest logit."""
UNWANTED = {"BatchNormalization", "Dropout", "Shape", "ReduceMean", "If", "Loop"}


def write_graph(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> None:
    """Export with the static shapes of `inputs` and check what came out.

    Raises:
        ValueError: the graph has another opset, a BatchNorm, a dropout or a dynamic shape.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The newer exporter cannot write opset 17, so the older one is called on purpose.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(path),
            input_names=list(input_names),
            output_names=list(output_names),
            opset_version=OPSET,
            dynamo=False,
        )
    check_graph(path)


def check_graph(path: Path) -> None:
    """Opset, operators and shapes.

    Raises:
        ValueError: see `write_graph`.
    """
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if versions != {"": OPSET}:
        message = (
            f"expected opset {OPSET} and no other domain, got {versions}; use another exporter"
        )
        raise ValueError(message)
    unwanted = {node.op_type for node in model.graph.node} & UNWANTED
    if unwanted:
        message = (
            f"expected a static graph without BatchNorm, got {sorted(unwanted)} in {path.name}"
        )
        raise ValueError(message)
    for value in (*model.graph.input, *model.graph.output):
        if not all(entry.dim_value for entry in value.type.tensor_type.shape.dim):
            message = f"expected static shapes, got a dynamic one at {value.name}"
            raise ValueError(message)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime with a graph, on two threads of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_difference(difference: float, path: Path) -> None:
    """Raises ValueError where network and graph differ by more than the tolerance."""
    if not difference <= TOLERANCE:
        message = (
            f"expected the graph to follow the network within {TOLERANCE}, got a difference of "
            f"{difference:.2e}; do not ship {path.name}"
        )
        raise ValueError(message)


def relative_difference(expected: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """Largest absolute difference, divided by the largest expected value where that exceeds one."""
    return float(np.abs(expected - got).max() / max(1.0, float(np.abs(expected).max())))
