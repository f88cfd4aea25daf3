"""Writes Gelu, an operator of opset 20, in operators that every runtime knows."""

from math import pi, sqrt

import numpy as np
from numpy.typing import DTypeLike
from onnx import ModelProto, NodeProto, helper, numpy_helper, shape_inference

Step = tuple[str, tuple[str, ...], str]
"""Operator, what it reads, and what it gives; `x` is the input and `y` the output of the whole."""
NUMBERS = {
    "one": 1.0,
    "half": 0.5,
    "cube": 0.044715,
    "per_root_of_2": 1 / sqrt(2),
    "root_of_2_per_pi": sqrt(2 / pi),
}
ERF: tuple[Step, ...] = (
    ("Mul", ("x", "per_root_of_2"), "scaled"),
    ("Erf", ("scaled",), "bent"),
)
TANH: tuple[Step, ...] = (
    ("Mul", ("x", "x"), "square"),
    ("Mul", ("square", "cube"), "part"),
    ("Add", ("part", "one"), "factor"),
    ("Mul", ("x", "factor"), "sum"),
    ("Mul", ("sum", "root_of_2_per_pi"), "scaled"),
    ("Tanh", ("scaled",), "bent"),
)
END: tuple[Step, ...] = (
    ("Add", ("bent", "one"), "twice"),
    ("Mul", ("x", "half"), "halved"),
    ("Mul", ("halved", "twice"), "y"),
)


def split_gelu(model: ModelProto) -> int:
    """Replaces every Gelu by x / 2 (1 + erf(x / √2)), or by its form with tanh; returns how many.

    The error function is what exporters wrote before opset 20; source: the definition of the
    operator, ONNX.
    """
    found = [node for node in model.graph.node if node.op_type == "Gelu" and not node.domain]
    if not found:
        return 0
    dtypes = _dtypes(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        nodes += _split(model, node, dtypes[node.input[0]]) if node in found else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return len(found)


def _split(model: ModelProto, node: NodeProto, dtype: DTypeLike) -> list[NodeProto]:
    by_tanh = any(item.name == "approximate" and item.s == b"tanh" for item in node.attribute)
    steps = (*(TANH if by_tanh else ERF), *END)
    names = {"x": node.input[0], "y": node.output[0]}
    read = {name for _, inputs, _ in steps for name in inputs}
    for name in sorted(read & set(NUMBERS)):
        number = numpy_helper.from_array(np.array(NUMBERS[name], dtype), _inside(node, name))
        model.graph.initializer.append(number)

    def full(name: str) -> str:
        return names.get(name) or _inside(node, name)

    return [
        helper.make_node(op, [full(name) for name in inputs], [full(made)], name=full(made))
        for op, inputs, made in steps
    ]


def _inside(node: NodeProto, name: str) -> str:
    return f"{node.output[0]}/{name}"


def _dtypes(model: ModelProto) -> dict[str, DTypeLike]:
    graph = shape_inference.infer_shapes(model).graph
    tensors = (*graph.value_info, *graph.input, *graph.output)
    return {
        item.name: helper.tensor_dtype_to_np_dtype(item.type.tensor_type.elem_type)
        for item in tensors
    }
