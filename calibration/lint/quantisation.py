"""Reads Q/DQ pairs and the layers they make integer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.graph import Graph, Node

QUANTISE = "QuantizeLinear"
DEQUANTISE = "DequantizeLinear"
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
CLAMPS = ("Clip", "Relu")
"""What ONNX Runtime fuses into the layer before."""
CARRIES_INTEGERS = {"MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"}
"""Q and DQ commute with these, so that a DQ before them serves the layer behind them."""


def scale(graph: Graph, node: Node) -> NDArray[Any] | None:
    """The constant scale of a Q or DQ, in double precision; None if it is computed."""
    values = graph.constant(node.input(1))
    return None if values is None else values.astype(np.float64)


def integer_type(graph: Graph, node: Node) -> str | None:
    """The integer type of a Q or DQ; None where a Q leaves its zero point out."""
    if node.op == DEQUANTISE:
        return graph.dtype(node.input(0))
    return graph.dtype(node.input(2)) if node.input(2) else None


def dequantiser(graph: Graph, tensor: str) -> Node | None:
    """The DQ that a tensor comes from, through operators that carry integers."""
    node = graph.producer(tensor)
    while node is not None and node.op in CARRIES_INTEGERS:
        node = graph.producer(node.input(0))
    return node if node is not None and node.op == DEQUANTISE else None


def quantisers_behind(graph: Graph, node: Node) -> list[Node]:
    """The Q that read what a node gives, or a clamp behind it; none if anything else does too."""
    readers = graph.consumers(node)
    if len(readers) == 1 and readers[0].op in CLAMPS:
        readers = graph.consumers(readers[0])
    return readers if all(reader.op == QUANTISE for reader in readers) else []


def before_pair(graph: Graph, tensor: str) -> str:
    """The tensor that was quantised into this one; itself without a pair."""
    node = graph.producer(tensor)
    while node is not None and node.op in {QUANTISE, DEQUANTISE}:
        tensor = node.input(0)
        node = graph.producer(tensor)
    return tensor


def holds_weights(graph: Graph, node: Node) -> bool:
    """Whether a Q or DQ carries a constant."""
    return graph.is_constant(before_pair(graph, node.input(0)))


def is_pair_member(node: Node | None) -> bool:
    """Whether this is a Q or DQ."""
    return node is not None and not node.domain and node.op in {QUANTISE, DEQUANTISE}


def pair_members(graph: Graph, *, weights: bool) -> Iterator[Node]:
    """Every Q and DQ of weights, or every one of activations."""
    for node in graph.named(QUANTISE, DEQUANTISE):
        if holds_weights(graph, node) == weights:
            yield node


def quantised_as(graph: Graph, integer: str) -> Iterator[Node]:
    """The Q of activations that give this integer type."""
    for node in pair_members(graph, weights=False):
        if node.op == QUANTISE and integer_type(graph, node) == integer:
            yield node


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A convolution or matrix product with constant weights."""

    node: Node
    """The operator."""
    activation: Node | None
    """DQ of its input."""
    weight: Node | None
    """DQ of its weights, directly before it."""
    shape: tuple[int, ...]
    """Of the weights as stored."""

    @property
    def is_integer(self) -> bool:
        """Whether both its input and its weights come from integers."""
        return self.activation is not None and self.weight is not None

    @property
    def is_convolution(self) -> bool:
        """Whether it is an ordinary convolution, not a transposed one."""
        return self.node.op == "Conv"

    @property
    def is_volume(self) -> bool:
        """Whether it convolves three axes."""
        return "Conv" in self.node.op and len(self.shape) == 5

    @property
    def groups(self) -> int:
        """Groups of channels that do not see each other."""
        return int(self.node.attributes.get("group", 1))

    @property
    def output_axis(self) -> int:
        """The axis of the weights that holds the output channels (of one group)."""
        if self.node.op == "Gemm":
            return 0 if self.node.attributes.get("transB", 0) else 1
        return {"Conv": 0, "ConvTranspose": 1}.get(self.node.op, len(self.shape) - 1)

    @property
    def channels(self) -> tuple[int, int]:
        """Input and output channels of a convolution, over all groups."""
        first, second = self.shape[:2]
        if self.is_convolution:
            return second * self.groups, first
        return first, second * self.groups

    @property
    def is_depthwise(self) -> bool:
        """Whether every channel is convolved alone."""
        return self.groups > 1 and self.groups == self.channels[0]


def layers(graph: Graph) -> Iterator[Layer]:
    """Every convolution and every matrix product with constant weights of known shape."""
    for node in graph.named(*WEIGHTED):
        weight = node.input(1)
        shape = graph.shape(weight)
        if not graph.is_constant(before_pair(graph, weight)) or shape is None or len(shape) < 2:
            continue
        producer = graph.producer(weight)
        yield Layer(
            node=node,
            activation=dequantiser(graph, node.input(0)),
            weight=producer if is_pair_member(producer) else None,
            shape=tuple(extent or 0 for extent in shape),
        )


def integer_layers(graph: Graph) -> Iterator[Layer]:
    """The layers whose input and weights both come from integers."""
    return (layer for layer in layers(graph) if layer.is_integer)


def integer_weights(graph: Graph, layer: Layer) -> NDArray[Any] | None:
    """The integers of a layer's weights, stored or as its Q will round them; None if unknown.

    A channel whose scale is zero gives infinity or NaN.
    """
    if layer.weight is None:
        return None
    stored = graph.constant(layer.weight.input(0))
    if stored is not None:
        return stored
    values = graph.constant(before_pair(graph, layer.weight.input(0)))
    step = scale(graph, layer.weight)
    if values is None or step is None:
        return None
    if step.ndim == 1 and step.size > 1:
        axis = int(layer.weight.attributes.get("axis", 1))
        if step.size != values.shape[axis % values.ndim]:
            return None
        step = np.expand_dims(step, [i for i in range(values.ndim) if i != axis % values.ndim])
    with np.errstate(divide="ignore", invalid="ignore"):
        integers: NDArray[Any] = np.rint(values / step)
    return integers


def closing_pairs(graph: Graph) -> set[int]:
    """The DQ of the pairs that ONNX Runtime wants behind an integer layer, whoever reads them."""
    found: set[int] = set()
    for layer in integer_layers(graph):
        for quantiser in quantisers_behind(graph, layer.node):
            found |= {reader.index for reader in graph.consumers(quantiser)}
    return found
