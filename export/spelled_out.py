"""Writes activations that came with newer opsets in operators that every runtime knows."""

from math import pi, sqrt

import numpy as np
from numpy.typing import DTypeLike
from onnx import ModelProto, NodeProto, helper, shape_inference

from export.steps import Step, write_steps

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
MISH: tuple[Step, ...] = (
    ("Softplus", ("x",), "soft"),
    ("Tanh", ("soft",), "bent"),
    ("Mul", ("x", "bent"), "y"),
)
SILU: tuple[Step, ...] = (
    ("Sigmoid", ("x",), "share"),
    ("Mul", ("x", "share"), "y"),
)
SPELLED = {"Gelu", "Mish", "Swish"}


def spell_out(model: ModelProto) -> int:
    """Replaces every Gelu, Mish and Swish; returns how many.

    Gelu is x / 2 (1 + erf(x / √2)), or its form with tanh, Mish x tanh(softplus(x)), and Swish
    x sigmoid(x) where it has no other factor: what exporters wrote before there were operators.
    Source: the definitions of the operators, ONNX.
    """
    asked = {node.output[0]: _steps(node) for node in model.graph.node if node.output}
    found = {name: steps for name, steps in asked.items() if steps}
    if not found:
        return 0
    dtypes = _dtypes(model)
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        given = found.get(next(iter(node.output), ""))
        if given is None:
            nodes.append(node)
            continue
        dtype = dtypes[node.input[0]]
        numbers = {name: np.array(value, dtype) for name, value in NUMBERS.items()}
        nodes += write_steps(given, {"x": node.input[0], "y": node.output[0]}, numbers, model)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return len(found)


def _steps(node: NodeProto) -> tuple[Step, ...]:
    """Those that compute the same; none for other operators."""
    if node.domain or node.op_type not in SPELLED:
        return ()
    asked = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    if node.op_type == "Gelu":
        return (*(TANH if asked.get("approximate") == b"tanh" else ERF), *END)
    if node.op_type == "Mish":
        return MISH
    return SILU if asked.get("alpha", 1.0) == 1.0 else ()


def _dtypes(model: ModelProto) -> dict[str, DTypeLike]:
    graph = shape_inference.infer_shapes(model).graph
    tensors = (*graph.value_info, *graph.input, *graph.output)
    return {
        item.name: helper.tensor_dtype_to_np_dtype(item.type.tensor_type.elem_type)
        for item in tensors
    }
