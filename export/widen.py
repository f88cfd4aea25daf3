"""Writes a network of halves in FP32, the form that calibration reads and a CPU computes in."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from calibration.graph import Graph

KIND = {"Cast": "to", "EyeLike": "dtype"}
"""Operator -> its attribute that names the type of what it makes."""


def widen(model: ModelProto) -> bool:
    """Makes every FP16 tensor FP32, inputs and outputs too; returns whether there was one.

    Every half is an FP32 number. What is computed between them is rounded less.
    """
    if not any(_halves(graph) for graph in _graphs(model.graph)):
        return False
    for graph in _graphs(model.graph):
        _widen(graph)
    _drop_casts(model)
    return True


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            inside = [attribute.g] if attribute.HasField("g") else []
            for inner in (*inside, *attribute.graphs):
                yield from _graphs(inner)


def _halves(graph: GraphProto) -> bool:
    """Whether it stores, takes or gives halves."""
    ends = (*graph.input, *graph.output)
    kinds = {item.type.tensor_type.elem_type for item in ends}
    return TensorProto.FLOAT16 in kinds | {item.data_type for item in _stored(graph)}


def _stored(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t


def _widen(graph: GraphProto) -> None:
    for tensor in _stored(graph):
        if tensor.data_type == TensorProto.FLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for item in (*graph.input, *graph.output):
        if item.type.tensor_type.elem_type == TensorProto.FLOAT16:
            item.type.tensor_type.elem_type = TensorProto.FLOAT
    del graph.value_info[:]
    for node in graph.node:
        for attribute in node.attribute:
            named = attribute.name == KIND.get(node.op_type) and not node.domain
            if named and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT


def _drop_casts(model: ModelProto) -> None:
    """Takes out what casts FP32 to FP32: between two operations it would part what fuses."""
    graph, renamed = Graph(model), dict[str, str]()
    kept: list[NodeProto] = []
    for node, proto in zip(graph.nodes, list(model.graph.node), strict=False):
        if _is_idle(graph, node) and node.outputs[0] not in graph.outputs:
            renamed[node.outputs[0]] = renamed.get(node.inputs[0], node.inputs[0])
        else:
            kept.append(NodeProto.FromString(proto.SerializeToString()))
    model.graph.ClearField("node")
    model.graph.node.extend(kept)
    for inner in _graphs(model.graph):
        for item in inner.node:
            for place, name in enumerate(item.input):
                item.input[place] = renamed.get(name, name)


def _is_idle(graph: Graph, node: Any) -> bool:
    cast = node.op == "Cast" and not node.domain
    return bool(
        cast
        and node.attributes["to"] == TensorProto.FLOAT
        and graph.dtype(node.inputs[0]) == "FLOAT"
    )
