"""Computes once what a graph would compute alike in every run: shapes, sizes, parts of weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from calibration.graph import Graph, Node, names_read

Arrays = Mapping[str, NDArray[Any]]
MOST_NEW_BYTES = 1 << 20
"""What grows beyond this and beyond its inputs (Expand, Tile) is left to be computed."""
NEVER = {
    *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"),
    *("RandomUniformLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"),
    *("Constant", "Identity"),
}
"""Another value in every run, the mark of a quantised graph, or nothing to compute."""


def fold_constants(model: ModelProto) -> int:
    """Replaces what depends on constants and static shapes by its values, until nothing is left.

    A size that is known makes the next shape known. Returns how many operations were computed.
    """
    total = 0
    while found := _fold_once(model):
        total += found
    return total


def drop_unused(model: ModelProto) -> None:
    """Takes out operations and weights that no output needs."""
    needed, kept = {output.name for output in model.graph.output}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(NodeProto.FromString(node.SerializeToString()))
            needed |= names_read(node)
    weights = [item for item in model.graph.initializer if item.name in needed]
    weights = [TensorProto.FromString(item.SerializeToString()) for item in weights]
    for field, items in (("node", kept[::-1]), ("initializer", weights)):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(items)


def _fold_once(model: ModelProto) -> int:
    graph, known, count = Graph(model), dict[str, NDArray[Any]](), 0
    for node in graph.nodes[: len(model.graph.node)]:
        proto = model.graph.node[node.index]
        if node.domain or node.op in NEVER or set(graph.outputs).intersection(node.outputs):
            continue
        values = _shape_asked(graph, node)
        if values is None:
            values = _computed(proto, _constant_inputs(graph, node, known), model)
        if values is not None:
            known |= values
            proto.ClearField("output")  # nobody reads it from now on, hence it is dropped
            count += 1
    model.graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in known.items())
    if count:
        drop_unused(model)
    return count


def _shape_asked(graph: Graph, node: Node) -> dict[str, NDArray[Any]] | None:
    if node.op not in {"Shape", "Size"}:
        return None
    shape = graph.shape(node.inputs[0])
    if shape is None or None in shape:
        return None
    extents = np.asarray(shape, np.int64)
    if node.op == "Size":
        return {node.outputs[0]: np.asarray(extents.prod(), np.int64)}
    first, last = node.attributes.get("start", 0), node.attributes.get("end", len(extents))
    return {node.outputs[0]: extents[first:last]}


def _constant_inputs(graph: Graph, node: Node, known: Arrays) -> Arrays | None:
    """The inputs of a node, None if one of them is computed in every run."""
    read = [name for name in node.inputs if name]
    if not all(name in known or graph.is_constant(name) for name in read):
        return None
    found = {name: known[name] if name in known else graph.constant(name) for name in read}
    arrays = {name: array for name, array in found.items() if array is not None}
    return arrays if len(arrays) == len(found) else None


def _computed(
    node: NodeProto, inputs: Arrays | None, model: ModelProto
) -> dict[str, NDArray[Any]] | None:
    nested = any(item.HasField("g") or item.graphs for item in node.attribute)
    if inputs is None or nested or not all(node.output):
        return None
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
    graph = helper.make_graph(
        [node],
        "one operation",
        [helper.make_tensor_value_info(name, kinds[name], a.shape) for name, a in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in node.output],
    )
    one = helper.make_model(graph, opset_imports=model.opset_import)
    try:
        found = [np.asarray(item) for item in ReferenceEvaluator(one).run(None, dict(inputs))]
    except Exception:  # noqa: BLE001  what the evaluator lacks stays as it is; its errors vary
        return None
    most = max(MOST_NEW_BYTES, sum(array.nbytes for array in inputs.values()))
    if sum(array.nbytes for array in found) > most:
        return None
    return dict(zip(node.output, found, strict=True))
