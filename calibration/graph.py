"""A read-only view of an ONNX graph: who makes a tensor, who reads it, what is constant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, inliner, numpy_helper
from onnx import shape_inference as inference

from sdk.errors import AngioEdgeError

Shape = tuple[int | None, ...]
MOST_ELEMENTS_FOR_SHAPES = 1024
"""Longer initialisers are no shapes, axes or scales: shape inference goes without their values."""
NESTED = {AttributeProto.GRAPH, AttributeProto.GRAPHS}


class GraphError(AngioEdgeError):
    """This file cannot be read as an ONNX graph."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Node:
    """One operator of the graph."""

    index: int
    """Position in the graph; nested graphs follow after the whole of it."""
    name: str
    """Its name; for a nameless one the operator and its first output."""
    op: str
    """The operator."""
    domain: str
    """Empty for the operators of ONNX itself."""
    inputs: tuple[str, ...]
    """Names of tensors; empty where an optional input is left out."""
    outputs: tuple[str, ...]
    """Names of tensors; empty where an optional output is left out."""
    attributes: Mapping[str, Any]
    """Numbers, strings, and lists of them."""

    def input(self, index: int) -> str:
        """Name of an input; empty if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def has_output(self, index: int) -> bool:
        """Whether the output is asked for."""
        return index < len(self.outputs) and self.outputs[index] != ""


class Graph:
    """Nodes, tensors and constants of a model; nested graphs and functions are laid flat."""

    def __init__(self, model: ModelProto, folder: Path = Path()) -> None:
        """Takes a checked model and the folder in which its external data lie.

        Raises:
            GraphError: its shapes cannot be inferred.
        """
        if model.functions:
            model = inliner.inline_local_functions(model)
        self.model = model
        self._folder = folder
        self.ir_version = int(model.ir_version)
        self.opset = next((s.version for s in model.opset_import if s.domain in {"", "ai.onnx"}), 1)
        graphs = list(_all_graphs(_with_shapes(self._skeleton(model)).graph))
        kept = {tensor.name: tensor for tensor in model.graph.initializer}
        nested = (tensor for graph in graphs for tensor in graph.initializer)
        self._initialisers = {tensor.name: tensor for tensor in nested} | kept
        protos = (node for graph in graphs for node in graph.node)
        self.nodes = tuple(_node(proto, index) for index, proto in enumerate(protos))
        self.inputs = tuple(i.name for i in model.graph.input if i.name not in self._initialisers)
        self.outputs = tuple(output.name for output in model.graph.output)
        self._types = {
            value.name: value.type.tensor_type
            for graph in graphs
            for value in (*graph.value_info, *graph.input, *graph.output)
            if value.type.HasField("tensor_type")
        }

    def _skeleton(self, model: ModelProto) -> ModelProto:
        """The model for shape inference, without a second copy of its long weights."""
        skeleton = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
        for field in ("node", "input", "output", "value_info"):
            getattr(skeleton.graph, field).extend(getattr(model.graph, field))
        skeleton.graph.name = model.graph.name
        for tensor in model.graph.initializer:
            kept = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
            if np.prod(tensor.dims, dtype=np.int64) <= MOST_ELEMENTS_FOR_SHAPES:
                kept = numpy_helper.from_array(self._array(tensor), tensor.name)
            else:
                kept.data_location = TensorProto.EXTERNAL
            skeleton.graph.initializer.append(kept)
        return skeleton

    @cached_property
    def _producers(self) -> dict[str, Node]:
        return {name: node for node in self.nodes for name in node.outputs if name}

    @cached_property
    def _consumers(self) -> dict[str, list[Node]]:
        consumers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                consumers.setdefault(name, []).append(node)
        return consumers

    @property
    def known(self) -> tuple[str, ...]:
        """Names of the tensors of which a type is known, weights aside."""
        return tuple(self._types)

    @property
    def initialisers(self) -> tuple[str, ...]:
        """Names of the stored weights."""
        return tuple(self._initialisers)

    def named(self, *operators: str) -> Iterator[Node]:
        """The nodes of these operators of ONNX, in the order of the graph."""
        return (node for node in self.nodes if node.op in operators and not node.domain)

    def producer(self, tensor: str) -> Node | None:
        """The node that computes a tensor; None for inputs, weights and left-out tensors."""
        return self._producers.get(tensor)

    def readers(self, tensor: str) -> tuple[Node, ...]:
        """The nodes that read a tensor, each once."""
        return tuple(self._consumers.get(tensor, ()))

    def consumers(self, node: Node) -> list[Node]:
        """The nodes that read any output of this one."""
        return [user for name in node.outputs if name for user in self.readers(name)]

    def shape(self, tensor: str) -> Shape | None:
        """Extents of a tensor, None where one is open; None altogether if nothing is known."""
        if tensor in self._initialisers:
            return tuple(self._initialisers[tensor].dims)
        kind = self._types.get(tensor)
        if kind is None or not kind.HasField("shape"):
            return None
        return tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)

    def dtype(self, tensor: str) -> str | None:
        """Element type by its ONNX name (``FLOAT``, ``INT8``); None if nothing is known."""
        if tensor in self._initialisers:
            return str(TensorProto.DataType.Name(self._initialisers[tensor].data_type))
        kind = self._types.get(tensor)
        if kind is None or kind.elem_type == TensorProto.UNDEFINED:
            return None
        return str(TensorProto.DataType.Name(kind.elem_type))

    def is_external(self, initialiser: str) -> bool:
        """Whether a weight lies in another file."""
        return bool(self._initialisers[initialiser].data_location == TensorProto.EXTERNAL)

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """Values of a weight or of a Constant node; None for what is computed.

        Raises:
            GraphError: the file of its values cannot be read.
        """
        if tensor in self._initialisers:
            return self._array(self._initialisers[tensor])
        node = self.producer(tensor)
        if node is None or node.domain:
            return None
        if node.op == "Identity":
            return self.constant(node.inputs[0])
        return self._value(node) if node.op == "Constant" else None

    def is_constant(self, tensor: str) -> bool:
        """Whether a tensor is a weight or comes from a Constant node; reads no values."""
        node = self.producer(tensor)
        if node is not None and node.op == "Identity" and not node.domain:
            return self.is_constant(node.inputs[0])
        return tensor in self._initialisers or (node is not None and node.op == "Constant")

    def _value(self, node: Node) -> NDArray[Any] | None:
        value = next(iter(node.attributes.values()), None)
        if isinstance(value, TensorProto):
            return self._array(value)
        return np.asarray(value) if isinstance(value, float | int | list) else None

    def _array(self, tensor: TensorProto) -> NDArray[Any]:
        try:
            return numpy_helper.to_array(tensor, base_dir=str(self._folder))
        except (OSError, ValueError, onnx.checker.ValidationError) as error:
            raise GraphError(
                f"the values of {tensor.name} cannot be read: {sentence(error)}; keep the files "
                "of external weights beside the graph"
            ) from error


def read_graph(path: Path) -> Graph:
    """Reads and checks an ONNX file; weights in other files are read when a rule asks for them.

    Raises:
        GraphError: there is no such file, or it is no valid ONNX graph.
    """
    try:
        model = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(path)
    except OSError as error:
        raise GraphError(
            f"expected an ONNX file, {path} cannot be read: {error.strerror}"
        ) from error
    except Exception as error:  # protobuf and the checker share no base class
        raise GraphError(f"{path} is not a valid ONNX graph: {sentence(error)}") from error
    return Graph(model, path.parent)


def names_read(node: NodeProto) -> set[str]:
    """Names that a node reads, and the graphs inside it."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            names.update(item.name for item in graph.output)
            names = names.union(*map(names_read, graph.node))
    return names


def sentence(error: Exception) -> str:
    """What an error of a library says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _all_graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type in NESTED:
                for inner in (attribute.g, *attribute.graphs):
                    yield from _all_graphs(inner)


def _node(proto: Any, index: int) -> Node:
    attributes = {
        attribute.name: _decoded(helper.get_attribute_value(attribute))
        for attribute in proto.attribute
        if attribute.type not in NESTED and not attribute.ref_attr_name
    }
    return Node(
        index=index,
        name=proto.name or f"{proto.op_type} of {next(iter(proto.output), 'nothing')}",
        op=proto.op_type,
        domain="" if proto.domain == "ai.onnx" else proto.domain,
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
        attributes=attributes,
    )


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [item.decode("utf-8", "replace") for item in value]
    return value


def _with_shapes(model: ModelProto) -> ModelProto:
    try:
        return inference.infer_shapes(model, data_prop=True)
    except inference.InferenceError as error:
        raise GraphError(f"no shapes can be inferred in this graph: {sentence(error)}") from error
