"""Additions that join a convolution and a shortcut."""

from collections.abc import Iterator
from typing import NamedTuple

from calibration.graph import Graph, Node
from calibration.lint.quantisation import before_pair, dequantiser, integer_layers
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, on_tensorrt


class Join(NamedTuple):
    """An Add that an integer convolution ends in."""

    node: Node
    """The Add."""
    straight: list[str]
    """Names of the integer layers directly before it."""
    behind_pairs: list[str]
    """Names of the integer layers with Q/DQ between them and it."""


def _float_shortcuts(graph: Graph, _: Target) -> Iterator[Place]:
    for join in _joins(graph):
        inputs = join.node.inputs
        quantised = any(dequantiser(graph, tensor) is not None for tensor in inputs)
        if join.straight and not quantised and not any(map(graph.is_constant, inputs)):
            yield Place(join.node.name, f"joins {join.straight[0]} and a float tensor")


def _quantised_branches(graph: Graph, _: Target) -> Iterator[Place]:
    for join in _joins(graph):
        if join.behind_pairs and not join.straight:
            yield Place(join.node.name, f"Q/DQ behind {join.behind_pairs[0]}")


def _joins(graph: Graph) -> Iterator[Join]:
    integer = {layer.node.name for layer in integer_layers(graph)}
    for node in graph.named("Add"):
        straight: list[str] = []
        behind: list[str] = []
        for tensor in node.inputs:
            source = before_pair(graph, tensor)
            producer = graph.producer(source)
            if producer is not None and producer.name in integer:
                (straight if source == tensor else behind).append(producer.name)
        yield Join(node, straight, behind)


RULES = (
    Rule(
        name="float-shortcut",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_float_shortcuts,
        reason="A convolution takes an addition and its ReLU into its own kernel only if the other "
        "branch is quantised.",
        remedy="Put Q/DQ on the shortcut, not on the convolution's branch.",
        source="TensorRT documentation, Q/DQ placement",
    ),
    Rule(
        name="quantised-branch",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_quantised_branches,
        reason="Q/DQ between a convolution and the addition it ends in keeps the two from fusing.",
        remedy="Leave the convolution's branch in float and quantise the shortcut only.",
        source="TensorRT documentation, Q/DQ placement",
    ),
)
