"""Folds what scales and shifts the channels of a convolution or product into its weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from calibration.graph import Graph, Node
from export.constants import drop_unused

Vector = NDArray[np.float64]
WEIGHTED = {"Conv", "ConvTranspose", "Gemm"}
FOLDED = {"BatchNormalization", "Mul", "Add", "Sub", "Div"}


def fold_affine(model: ModelProto) -> int:
    """BatchNormalization, and products and sums with a constant per channel, into weights before.

    What alone reads a convolution or product with constant weights is folded, in double precision;
    one operation per convolution and pass. Returns how many operations went.
    """
    total = 0
    while count := _fold_once(model):
        total += count
    return total


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """y = scale x + shift, per channel."""

    scale: Vector
    shift: Vector


@dataclass(frozen=True, kw_only=True, eq=False)
class _Weighted:
    """A convolution or product: its weight and bias, axis of the output channels, groups of them.

    A group is a part of the weight along axis 0 that has output channels of its own on `axis`.
    """

    weight: Vector
    bias: Vector
    axis: int
    groups: int


def _fold_once(model: ModelProto) -> int:
    graph, folded, touched = Graph(model), list[int](), set[int]()
    for node in graph.nodes[: len(model.graph.node)]:
        before = _before(graph, node)
        if before is None or before.index in touched:
            continue
        weighted = _weighted(graph, before)
        found = _map_of(graph, node, weighted) if weighted else None
        if weighted and found and _rewrite(model, (before, node), weighted, found):
            folded.append(node.index)
            touched |= {node.index, before.index}  # their outputs have other names now: next pass
    for index in sorted(folded, reverse=True):
        del model.graph.node[index]
    if folded:
        drop_unused(model)
    return len(folded)


def _before(graph: Graph, node: Node) -> Node | None:
    """The convolution or product of which this is the only reader, and its only operand."""
    if node.domain or node.op not in FOLDED:
        return None
    computed = [name for name in node.inputs if not graph.is_constant(name)]
    before = graph.producer(computed[0]) if len(computed) == 1 else None
    if before is None or before.domain or before.op not in WEIGHTED:
        return None
    alone = len(graph.readers(computed[0])) == 1 and computed[0] not in graph.outputs
    return before if alone else None


def _weighted(graph: Graph, node: Node) -> _Weighted | None:
    weight, asked = _floats(graph, node.inputs[1]), node.attributes
    if weight is None or asked.get("alpha", 1.0) != 1.0 or asked.get("beta", 1.0) != 1.0:
        return None
    axis = {"Conv": 0, "ConvTranspose": 1}.get(node.op, 0 if asked.get("transB") else 1)
    groups = int(asked.get("group", 1)) if node.op == "ConvTranspose" else 1
    bias: Vector | None = np.zeros(weight.shape[axis] * groups)
    if node.input(2):
        bias = _per_channel(_floats(graph, node.inputs[2]), weight.shape[axis] * groups, 2)
    return None if bias is None else _Weighted(weight=weight, bias=bias, axis=axis, groups=groups)


def _map_of(graph: Graph, node: Node, before: _Weighted) -> Map | None:
    if node.op == "BatchNormalization":
        return norm_of(graph, node)
    constant_first = graph.is_constant(node.inputs[0])
    values = _floats(graph, node.inputs[0 if constant_first else 1])
    vector = _per_channel(values, len(before.bias), before.weight.ndim)
    if vector is None:
        return None
    one, none = np.ones_like(vector), np.zeros_like(vector)
    match node.op:
        case "Mul":
            return Map(scale=vector, shift=none)
        case "Add":
            return Map(scale=one, shift=vector)
        case "Sub":
            sign = -1.0 if constant_first else 1.0
            return Map(scale=sign * one, shift=-sign * vector)
    usable = not constant_first and bool(np.all(vector))  # a constant over a tensor is no map
    return Map(scale=one / vector, shift=none) if usable else None


def norm_of(graph: Graph, node: Node) -> Map | None:
    """What a BatchNormalization with constant statistics does to each channel."""
    given = [_floats(graph, name) for name in node.inputs[1:]]
    if node.attributes.get("training_mode") or any(values is None for values in given):
        return None
    scale, bias, mean, variance = (np.asarray(values) for values in given)
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return Map(scale=factor, shift=bias - mean * factor)


def _per_channel(values: Vector | None, channels: int, rank: int) -> Vector | None:
    """One value for all, or one per channel (axis 1 of `rank`), as a vector; None for others."""
    if values is None or values.ndim > rank:
        return None
    if values.size == 1:
        return np.full(channels, values.item())
    axis = values.ndim - (rank - 1)  # shapes are aligned at their ends
    fits = values.size == channels and axis >= 0 and values.shape[axis] == channels
    return values.reshape(-1) if fits else None


def _rewrite(model: ModelProto, nodes: tuple[Node, Node], before: _Weighted, found: Map) -> bool:
    """Gives the first of two nodes weights of its own and the output of the second."""
    first, second = nodes
    shape = [1] * before.weight.ndim
    shape[before.axis] = -1
    parts = np.split(before.weight, before.groups, axis=0)
    scales = found.scale.reshape(before.groups, -1)
    weight = [part * scale.reshape(shape) for part, scale in zip(parts, scales, strict=True)]
    name = second.outputs[0]
    made: dict[str, Any] = {
        f"{name}/folded_weight": np.concatenate(weight),
        f"{name}/folded_bias": before.bias * found.scale + found.shift,
    }
    if not all(np.isfinite(values).all() for values in made.values()):
        return False
    for title, values in made.items():
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), title))
    proto = model.graph.node[first.index]
    del proto.input[1:]
    proto.input.extend(made)
    proto.output[0] = name
    return True


def _floats(graph: Graph, name: str) -> Vector | None:
    """Values of a constant in FP32, in double precision; None for anything else."""
    values = graph.constant(name)
    return values.astype(np.float64) if values is not None and values.dtype == np.float32 else None
