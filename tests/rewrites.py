"""Rewrites of small ONNX graphs: what they compute must stay the same."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import networks
import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

from sdk.backends.onnxruntime import OnnxRuntimeBackend


def made(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Sequence[int]],
    weights: Mapping[str, np.ndarray],
    outputs: Sequence[str],
) -> ModelProto:
    """A graph with those of the inputs (name -> shape) and weights that its nodes read."""
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(weights[name], name) for name in weights if name in used]
    given = [networks.tensor(name, shape) for name, shape in inputs.items() if name in used]
    asked = [helper.make_empty_tensor_value_info(name) for name in outputs]
    networks.save(path, nodes, given, asked, tensors)
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    onnx.save(model, path)
    return model


def rewritten(path: Path, model: ModelProto, rewrite: Callable[[ModelProto], int]) -> int:
    """What the rewrite counts; the graph stays valid and answers as before."""
    before = answers(path)
    count = rewrite(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    for name, values in answers(path).items():
        np.testing.assert_allclose(values, before[name], rtol=1e-5, atol=1e-5)
    return count


def answers(path: Path) -> dict[str, np.ndarray]:
    """Outputs of a graph on seeded noise."""
    backend, rng = OnnxRuntimeBackend(path, threads=1), np.random.default_rng(1)
    for tensor in backend.inputs.values():
        tensor[...] = rng.normal(size=tensor.shape)
    backend.run()
    return {name: tensor.copy() for name, tensor in backend.outputs.items()}
