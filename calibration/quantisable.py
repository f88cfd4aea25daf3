"""A graph that can be quantised: its constants, its static shapes, and what it remembers."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from calibration.errors import CalibrationError
from calibration.graph import Graph, GraphError, Node, sentence

OPSETS = range(13, 18)
"""Per-channel DequantizeLinear came with 13, and 17 is the last that TensorRT 8.6 reads."""
QUANTISED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


class Quantisable(Graph):
    """An ONNX graph that can be quantised; graphs nested in its nodes are left as they are.

    Attributes:
        model: the graph as it was read.
        constants: name -> values, of initialisers and Constant nodes.
        shapes: name -> static shape of every float32 activation whose shape is known.
        states: inputs that come from the outputs of the last run: input name -> output name.
    """

    def __init__(self, model: ModelProto, states: Mapping[str, str] | None = None) -> None:
        """Takes a checked model with its weights, and its states.

        Raises:
            GraphError: its shapes cannot be inferred.
        """
        super().__init__(model)
        self.nodes = self.nodes[: len(self.model.graph.node)]
        self.states = dict(states or {})
        self.constants = {item.name: item for item in self.model.graph.initializer}
        for node in self.nodes:
            if node.op == "Constant" and "value" in node.attributes:
                self.constants[node.outputs[0]] = node.attributes["value"]
        self.shapes = self._float_shapes()

    def _float_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = {}
        for name in self.known:
            extents = self.shape(name) or (None,)
            if name not in self.constants and self.dtype(name) == "FLOAT" and all(extents):
                shapes[name] = tuple(extent or 0 for extent in extents)
        return shapes

    def values(self, name: str) -> NDArray[Any]:
        """Values of a constant."""
        return np.asarray(numpy_helper.to_array(self.constants[name]))

    def activations(self, node: Node) -> tuple[str, ...]:
        """The inputs of a node that are computed, not constant."""
        return tuple(name for name in node.inputs if name and name not in self.constants)

    def only_reader(self, tensor: str) -> Node | None:
        """The one node that reads a tensor, None if several do or the graph gives it out."""
        readers = self.readers(tensor)
        return readers[0] if len(readers) == 1 and tensor not in self.outputs else None

    def with_values(self, changed: Mapping[str, NDArray[np.float32]]) -> "Quantisable":
        """The same graph with other values for some of its constants."""
        model = ModelProto()
        model.CopyFrom(self.model)
        stored = {item.name: item for item in model.graph.initializer}
        stored |= {
            node.output[0]: attribute.t
            for node in model.graph.node
            for attribute in node.attribute
            if node.op_type == "Constant" and attribute.name == "value"
        }
        for name, values in changed.items():
            stored[name].CopyFrom(numpy_helper.from_array(values, stored[name].name))
        return Quantisable(model, self.states)

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


def ceiling(graph: Quantisable, node: Node) -> float | None:
    """Where a ReLU that has a ceiling (ReLU6, a Clip from 0) ends, None for other nodes."""
    if node.op != "Clip" or node.domain:
        return None
    limits = [graph.constant(node.input(place)) for place in (1, 2)]
    if any(limit is None or limit.size != 1 for limit in limits):
        return None
    lowest, highest = (float(np.asarray(limit).item()) for limit in limits)
    return highest if lowest == 0 < highest else None


def read_quantisable(path: Path, states: Mapping[str, str] | None = None) -> Quantisable:
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
        onnx.checker.check_model(model, full_check=True)
        graph = Quantisable(model, states)
    except GraphError as error:
        raise CalibrationError(f"{path}: {error}") from error
    except Exception as error:  # protobuf, the checker and shape inference share no base class
        message = f"{path} is not a valid ONNX network: {sentence(error)}"
        raise CalibrationError(message) from error
    for check in (_check_opset, _check_float, _check_static, _check_folded, _check_states):
        check(path, graph)
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


def _check_opset(path: Path, graph: Quantisable) -> None:
    if graph.opset not in OPSETS:
        raise CalibrationError(
            f"{path} has opset {graph.opset}, expected {OPSETS[0]} to {OPSETS[-1]}; export the "
            f"network with opset {OPSETS[-1]}"
        )


def _check_float(path: Path, graph: Quantisable) -> None:
    for node in graph.nodes:
        if node.op in QUANTISED or node.op.startswith("QLinear") or node.op.endswith("Integer"):
            raise CalibrationError(
                f"{path} is quantised already, see {node.op} {node.name}; give the FP32 graph it "
                "was made from"
            )


def _check_static(path: Path, graph: Quantisable) -> None:
    for item in graph.model.graph.input:
        extents = item.type.tensor_type.shape.dim
        if not all(extent.dim_value > 0 for extent in extents):
            shown = [extent.dim_param or extent.dim_value or "?" for extent in extents]
            raise CalibrationError(
                f"{path}: input {item.name} has the dynamic shape {shown}, expected a static one; "
                "fix it with 'angioedge import --size', or export the network with fixed sizes"
            )


def _check_folded(path: Path, graph: Quantisable) -> None:
    for node in graph.nodes:
        before = graph.producer(node.inputs[0]) if node.inputs else None
        if node.op == "BatchNormalization" and before is not None and before.op in WEIGHTED:
            if graph.only_reader(before.outputs[0]) is None:
                continue
            raise CalibrationError(
                f"{path}: BatchNormalization {node.name} follows {before.op} {before.name} and is "
                "not folded into it; export the network in evaluation mode with constant folding"
            )


def _check_states(path: Path, graph: Quantisable) -> None:
    for before, after in graph.states.items():
        if before not in graph.inputs or after not in graph.outputs:
            raise CalibrationError(
                f"{path}: expected the state {before}, given back as {after}; the graph takes "
                f"{', '.join(graph.inputs)} and gives {', '.join(graph.outputs)}"
            )


def multiplications(graph: Quantisable, indices: Iterable[int]) -> int:
    """Of the convolutions and products with a weight among some operations, for one run.

    Those in float32 whose shape is known.
    """
    total = 0
    for node in (graph.nodes[index] for index in indices):
        known = node.op in WEIGHTED and node.outputs[0] in graph.shapes
        if not known or node.inputs[1] not in graph.constants:
            continue
        weight, made = graph.constants[node.inputs[1]].dims, graph.shapes[node.outputs[0]]
        per_value = prod(weight[1:]) if node.op == "Conv" else prod(weight) // made[-1]
        total += prod(made) * per_value
    return total
