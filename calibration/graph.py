"""A read-only view of an ONNX graph: who makes a tensor, who reads it, what is constant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from calibration.errors import CalibrationError

OPSETS = range(13, 18)
"""Per-channel DequantizeLinear came with 13, and 17 is the last that TensorRT 8.6 reads."""
QUANTISED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Node:
    """One operation.

    Attributes:
        index: position in the graph's topological order.
        name: its own, or one made of operator and position where it has none.
        op: operator, such as ``Conv``.
        inputs: tensor names, "" where an optional one is left out.
        outputs: tensor names.
        attributes: by name.
    """

    index: int
    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Graph:
    """An ONNX graph that can be quantised.

    Attributes:
        model: the graph as it was read.
        nodes: in topological order.
        inputs: names of what is fed.
        outputs: names of what comes out.
        constants: name -> values, of initialisers and Constant nodes.
        shapes: name -> static shape of every float32 activation whose shape is known.
        states: inputs that come from the outputs of the last run: input name -> output name.
    """

    model: ModelProto
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, TensorProto]
    shapes: Mapping[str, tuple[int, ...]]
    states: Mapping[str, str] = field(default_factory=dict)
    producer: dict[str, Node] = field(init=False, repr=False)
    readers: dict[str, tuple[Node, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        producer: dict[str, Node] = {}
        readers: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            producer |= dict.fromkeys(node.outputs, node)
            for name in dict.fromkeys(node.inputs):
                readers[name].append(node)
        object.__setattr__(self, "producer", producer)
        object.__setattr__(self, "readers", {name: tuple(them) for name, them in readers.items()})

    def values(self, name: str) -> NDArray[Any]:
        """Values of a constant."""
        return np.asarray(numpy_helper.to_array(self.constants[name]))

    def activations(self, node: Node) -> tuple[str, ...]:
        """The inputs of a node that are computed, not constant."""
        return tuple(name for name in node.inputs if name and name not in self.constants)

    def only_reader(self, tensor: str) -> Node | None:
        """The one node that reads a tensor, None if several do or the graph gives it out."""
        readers = self.readers.get(tensor, ())
        return readers[0] if len(readers) == 1 and tensor not in self.outputs else None

    def with_values(self, changed: Mapping[str, NDArray[np.float32]]) -> "Graph":
        """The same graph with other values for some of its constants."""
        model, constants = ModelProto(), dict(self.constants)
        model.CopyFrom(self.model)
        stored = {item.name: item for item in model.graph.initializer}
        stored |= {
            node.output[0]: attribute.t
            for node in model.graph.node
            for attribute in node.attribute
            if node.op_type == "Constant" and attribute.name == "value"
        }
        for name, values in changed.items():
            constants[name] = numpy_helper.from_array(values, stored[name].name)
            stored[name].CopyFrom(constants[name])
        return replace(self, model=model, constants=constants)

    def behind(self, tensors: Iterable[str]) -> set[str]:
        """These tensors and everything that is computed from them."""
        found = set(tensors)
        for node in self.nodes:
            if found.intersection(node.inputs):
                found.update(node.outputs)
        return found

    def before(self, tensors: Iterable[str]) -> set[str]:
        """These tensors and everything that they are computed from."""
        found = set(tensors)
        for node in reversed(self.nodes):
            if found.intersection(node.outputs):
                found.update(node.inputs)
        return found

    @cached_property
    def recurrent(self) -> frozenset[int]:
        """Positions of the operations through which a state comes back to itself."""
        found: set[int] = set()
        for source, target in self.states.items():
            after, before = self.behind([source]), self.before([target])
            found |= {
                node.index
                for node in self.nodes
                if after.intersection(node.inputs) and before.intersection(node.outputs)
            }
        return frozenset(found)

    def order(self) -> dict[str, int]:
        """Rank of every activation: the inputs, then the outputs of each node."""
        names = (*self.inputs, *(name for node in self.nodes for name in node.outputs))
        return {name: rank for rank, name in enumerate(names)}


def read_graph(path: Path, states: Mapping[str, str] | None = None) -> Graph:
    """Reads a graph and checks that it can be quantised.

    Args:
        path: an ONNX file.
        states: inputs that it takes from its own last run: input name -> output name.

    Raises:
        CalibrationError: it is no ONNX file, is quantised already, has dynamic shapes, an
            unsupported opset, or a BatchNormalization that belongs into a convolution.
    """
    try:
        model = _with_own_constants(onnx.load(path))
        onnx.checker.check_model(model)
        inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # protobuf, the checker and shape inference share no base class
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CalibrationError(f"{path} is not a valid ONNX network: {reason}") from error
    graph = replace(_view(model, inferred), states=dict(states or {}))
    _check_opset(path, graph)
    _check_float(path, graph)
    _check_static(path, graph)
    _check_folded(path, graph)
    _check_states(path, graph)
    return graph


def _with_own_constants(model: ModelProto) -> ModelProto:
    """Exporters store equal weights once, behind Identity: every reader gets a constant of its own.

    Weights are told from activations by where they come from, and equalisation changes them.
    """
    stored = {item.name: item for item in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        source = stored.get(node.input[0]) if node.op_type == "Identity" else None
        if source is None or node.output[0] in {item.name for item in model.graph.output}:
            kept.append(node)
            continue
        own = TensorProto()
        own.CopyFrom(source)
        own.name = node.output[0]
        model.graph.initializer.append(own)
        stored[own.name] = own
    copies = [NodeProto.FromString(node.SerializeToString()) for node in kept]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return model


def _view(model: ModelProto, inferred: ModelProto) -> Graph:
    nodes = tuple(
        Node(
            index=index,
            name=node.name or f"{node.op_type}_{index}",
            op=node.op_type,
            inputs=tuple(node.input),
            outputs=tuple(node.output),
            attributes={item.name: helper.get_attribute_value(item) for item in node.attribute},
        )
        for index, node in enumerate(model.graph.node)
    )
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in nodes:
        if node.op == "Constant" and "value" in node.attributes:
            constants[node.outputs[0]] = node.attributes["value"]
    shaped = inferred.graph
    return Graph(
        model=model,
        nodes=nodes,
        inputs=tuple(item.name for item in model.graph.input if item.name not in constants),
        outputs=tuple(item.name for item in model.graph.output),
        constants=constants,
        shapes=_float_shapes((*shaped.input, *shaped.value_info, *shaped.output)),
    )


def _float_shapes(described: tuple[onnx.ValueInfoProto, ...]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for item in described:
        kind = item.type.tensor_type
        extents = tuple(extent.dim_value for extent in kind.shape.dim)
        if kind.elem_type == TensorProto.FLOAT and kind.HasField("shape") and all(extents):
            shapes[item.name] = extents
    return shapes


def _check_opset(path: Path, graph: Graph) -> None:
    imported = {item.domain: item.version for item in graph.model.opset_import}
    opset = imported.get("", imported.get("ai.onnx", 0))
    if opset not in OPSETS:
        raise CalibrationError(
            f"{path} has opset {opset}, expected {OPSETS[0]} to {OPSETS[-1]}; export the network "
            f"with opset {OPSETS[-1]}"
        )


def _check_float(path: Path, graph: Graph) -> None:
    for node in graph.nodes:
        if node.op in QUANTISED or node.op.startswith("QLinear") or node.op.endswith("Integer"):
            raise CalibrationError(
                f"{path} is quantised already, see {node.op} {node.name}; give the FP32 graph it "
                "was made from"
            )


def _check_static(path: Path, graph: Graph) -> None:
    for item in graph.model.graph.input:
        extents = item.type.tensor_type.shape.dim
        if not all(extent.dim_value > 0 for extent in extents):
            shown = [extent.dim_param or extent.dim_value or "?" for extent in extents]
            raise CalibrationError(
                f"{path}: input {item.name} has the dynamic shape {shown}, expected a static one; "
                "fix it with 'angioedge import --size', or export the network with fixed sizes"
            )


def _check_folded(path: Path, graph: Graph) -> None:
    for node in graph.nodes:
        before = graph.producer.get(node.inputs[0]) if node.inputs else None
        if node.op == "BatchNormalization" and before is not None and before.op in WEIGHTED:
            if graph.only_reader(before.outputs[0]) is None:
                continue
            raise CalibrationError(
                f"{path}: BatchNormalization {node.name} follows {before.op} {before.name} and is "
                "not folded into it; export the network in evaluation mode with constant folding"
            )


def _check_states(path: Path, graph: Graph) -> None:
    for before, after in graph.states.items():
        if before not in graph.inputs or after not in graph.outputs:
            raise CalibrationError(
                f"{path}: expected the state {before}, given back as {after}; the graph takes "
                f"{', '.join(graph.inputs)} and gives {', '.join(graph.outputs)}"
            )
