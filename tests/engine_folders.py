"""Model folders with the graphs that engines are built from; their networks do next to nothing."""

import networks
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sdk.model_folder import Manifest, ModelFolder, write_folder

SHAPE = [1, 1, 8, 8]


def _scaled(path, dtype):
    """Input times two, with a weight of a type."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [helper.make_node("Mul", ["image", "two"], ["map"])]
    weights = [numpy_helper.from_array(np.asarray(2, dtype), "two")]
    tensors = (networks.tensor(name, SHAPE, kind) for name in ("image", "map"))
    return networks.save(path, nodes, [next(tensors)], [next(tensors)], weights)


def _quantised(path, scale):
    """Input through one Q/DQ pair."""
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["integers"]),
        helper.make_node("DequantizeLinear", ["integers", "scale", "zero"], ["map"]),
    ]
    weights = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("zero", TensorProto.INT8, [], [0]),
    ]
    tensors = (networks.tensor(name, SHAPE) for name in ("image", "map"))
    return networks.save(path, nodes, [next(tensors)], [next(tensors)], weights)


MAKERS = {
    "fp32": lambda path: _scaled(path, np.float32),
    "fp16": lambda path: _scaled(path, np.float16),
    "int8": lambda path: _quantised(path, 0.01),
    "int8.fewer": lambda path: _quantised(path, 0.02),
}


def graph(folder, precision) -> bytes:
    """Content of a graph of one precision."""
    path = MAKERS[precision](folder / "scratch.onnx")
    content = path.read_bytes()
    path.unlink()
    return content


def engine_folder(path, *precisions) -> ModelFolder:
    """A model folder with graphs of these precisions."""
    path.mkdir(parents=True, exist_ok=True)
    names = {precision: f"graph.{precision}.onnx" for precision in precisions}
    files = {name: graph(path, precision) for precision, name in names.items()}
    return write_folder(path, Manifest(task="angiogram_quality", graphs=names), files)
