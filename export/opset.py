"""Brings a graph to the newest opset that is calibrated, by the converter of ONNX and around it.

The converter (ONNX 1.23) knows no way back for operators that exporters write today, though most
of them say nothing that the older form could not say.
"""

from collections.abc import Callable

import numpy as np
from onnx import ModelProto, NodeProto, checker, helper, numpy_helper, version_converter

from calibration.graph import Graph
from calibration.quantisable import OPSETS
from export.spelled_out import spell_out

ASIDE = "angioedge.as.it.is"
"""A domain that the converter does not look into."""
NO_AXES = "noop_with_empty_axes"
AXES_OF_PAD = 3
"""Place of the input that Pad has from opset 18 on."""
OLDER_MODES = {"linear": b"bilinear", "cubic": b"bicubic"}
"""Of GridSample: name since opset 20 -> name before."""


def lowered(model: ModelProto) -> ModelProto:
    """The same graph in the newest opset of `calibration.quantisable.OPSETS`.

    Raises:
        Exception: the converter cannot do it, or what it made is no valid graph; it has no base
            class for its errors.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    spell_out(copy)
    graph = Graph(copy)
    for node in copy.graph.node:
        _drop_defaults(node)
    newer = graph.opset > OPSETS[-1]
    aside = [node for node in copy.graph.node if newer and _as_before(copy, graph, node)]
    if aside:
        copy.opset_import.add(domain=ASIDE, version=1)
    for node in aside:
        node.domain = ASIDE
    converted = version_converter.convert_version(copy, OPSETS[-1])
    for node in converted.graph.node:
        node.domain = "" if node.domain == ASIDE else node.domain
    kept = [item for item in converted.opset_import if item.domain != ASIDE]
    del converted.opset_import[:]
    converted.opset_import.extend(kept)
    checker.check_model(converted, full_check=True)
    return converted


def _drop_defaults(node: NodeProto) -> None:
    """Removes attributes that older opsets do not have, where they ask for nothing."""

    def asks(name: str, value: int | list[int]) -> bool:
        if node.op_type.startswith("Reduce") and name == NO_AXES:
            return bool(value)
        spread = node.op_type == "AveragePool" and name == "dilations"
        return not spread or value != [1] * len(np.atleast_1d(value))

    kept = [item for item in node.attribute if asks(item.name, helper.get_attribute_value(item))]
    del node.attribute[:]
    node.attribute.extend(kept)


def _as_before(model: ModelProto, graph: Graph, node: NodeProto) -> bool:
    """Writes a node as opset 17 has it; whether that was possible."""
    write = AS_BEFORE.get(node.op_type) if node.domain in {"", "ai.onnx"} else None
    return write is not None and write(model, graph, node)


def _pad(_: ModelProto, __: Graph, node: NodeProto) -> bool:
    modes = {item.s for item in node.attribute if item.name == "mode"}
    if any(node.input[AXES_OF_PAD:]) or b"wrap" in modes:
        return False
    del node.input[AXES_OF_PAD:]
    return True


def _split(model: ModelProto, graph: Graph, node: NodeProto) -> bool:
    """The sizes of the parts are an input; equal parts, the last one smaller, become sizes."""
    numbers = {item.name: item.i for item in node.attribute}
    if "num_outputs" not in numbers:
        return True
    parts, axis = numbers["num_outputs"], numbers.get("axis", 0)
    shape = graph.shape(node.input[0])
    extent = shape[axis] if shape is not None else None
    if extent is None:
        return False
    each = -(-extent // parts)
    sizes = np.array([each] * (parts - 1) + [extent - each * (parts - 1)], np.int64)
    name = next(filter(None, node.output)) + "/sizes"
    model.graph.initializer.append(numpy_helper.from_array(sizes, name))
    del node.input[1:]
    node.input.append(name)
    kept = [item for item in node.attribute if item.name != "num_outputs"]
    del node.attribute[:]
    node.attribute.extend(kept)
    return True


def _grid_sample(_: ModelProto, graph: Graph, node: NodeProto) -> bool:
    for item in node.attribute:
        if item.name == "mode":
            item.s = OLDER_MODES.get(item.s.decode(), item.s)
    shape = graph.shape(node.input[0])
    return shape is not None and len(shape) == 4


def _unchanged(_: ModelProto, __: Graph, ___: NodeProto) -> bool:
    return True


AS_BEFORE: dict[str, Callable[[ModelProto, Graph, NodeProto], bool]] = {
    "GlobalMaxPool": _unchanged,
    "GridSample": _grid_sample,
    "Pad": _pad,
    "Split": _split,
}
"""Operator -> what writes it as before."""
