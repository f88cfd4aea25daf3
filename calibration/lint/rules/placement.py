"""Where Q/DQ pairs stand around layers, activations, joins and outputs."""

from collections.abc import Iterator

import numpy as np

from calibration.graph import Graph, Node
from calibration.lint.quantisation import (
    DEQUANTISE,
    QUANTISE,
    WEIGHTED,
    before_pair,
    closing_pairs,
    dequantiser,
    integer_layers,
    is_pair_member,
    layers,
    scale,
)
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_onnxruntime, on_tensorrt

ACTIVATIONS = {"BatchNormalization", "Clip", "HardSwish", "LeakyRelu", "PRelu", "Relu"}
BETWEEN_HEAD_AND_OUTPUT = {
    *("Cast", "Clip", "Flatten", "Identity", "LogSoftmax", "Reshape", "Sigmoid", "Softmax"),
    *("Squeeze", "Transpose", "Unsqueeze", QUANTISE, DEQUANTISE),
}


def _half_quantised(graph: Graph, target: Target) -> Iterator[Place]:
    closing = closing_pairs(graph) if on_onnxruntime(target) else set()
    for layer in layers(graph):
        paired = layer.activation is not None and layer.activation.index not in closing
        if paired and layer.weight is None:
            yield Place(layer.node.name, "integer input, float weights")
        if layer.activation is None and layer.weight is not None:
            yield Place(layer.node.name, "integer weights, float input")


def _q_before_activation(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*ACTIVATIONS):
        producer = graph.producer(before_pair(graph, node.input(0)))
        if is_pair_member(graph.producer(node.input(0))) and _is(producer, WEIGHTED):
            yield Place(
                node.name, f"Q/DQ between {producer.name if producer else ''} and {node.op}"
            )


def _split_silu(graph: Graph, _: Target) -> Iterator[Place]:
    for product in graph.named("Mul"):
        for gate, other in (product.inputs, product.inputs[::-1]):
            sigmoid = graph.producer(before_pair(graph, gate))
            if sigmoid is None or sigmoid.op != "Sigmoid":
                continue
            source = sigmoid.input(0)
            same = before_pair(graph, source) == before_pair(graph, other)
            if same and source != other:
                yield Place(product.name, "Q/DQ on one branch of x * sigmoid(x)")


def _concat_scales(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Concat"):
        members = [graph.producer(tensor) for tensor in node.inputs]
        steps = [scale(graph, m) for m in members if m is not None and m.op == DEQUANTISE]
        values = sorted({float(step.flat[0]) for step in steps if step is not None and step.size})
        if len(values) > 1 and not np.isclose(values[0], values[-1], rtol=1e-6, atol=0):
            yield Place(node.name, f"scales {values[0]:g} to {values[-1]:g}")


def _concat_before_layer(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        producer = graph.producer(before_pair(graph, layer.node.input(0)))
        if layer.is_convolution and producer is not None and producer.op == "Concat":
            yield Place(layer.node.name, f"reads {producer.name}")


def _pairs_that_do_not_commute(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("AveragePool", "Mul"):
        computed = [tensor for tensor in node.inputs if not graph.is_constant(tensor)]
        enters = all(dequantiser(graph, tensor) is not None for tensor in computed)
        leaves = any(reader.op == QUANTISE for reader in graph.consumers(node))
        if computed and enters and not leaves:
            yield Place(node.name, f"{node.op} has DQ before it and no Q behind it")


def _integer_outputs(graph: Graph, _: Target) -> Iterator[Place]:
    for tensor in graph.outputs:
        producer = graph.producer(tensor)
        if producer is not None and is_pair_member(producer):
            yield Place(tensor, f"comes from {producer.op}")


def _integer_heads(graph: Graph, _: Target) -> Iterator[Place]:
    integer = {layer.node.name for layer in integer_layers(graph)}
    for tensor in graph.outputs:
        node = graph.producer(tensor)
        while node is not None and node.op in BETWEEN_HEAD_AND_OUTPUT:
            node = graph.producer(node.input(0))
        if node is not None and node.name in integer:
            yield Place(node.name, f"gives {tensor}")


def _integer_biases(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*WEIGHTED):
        if is_pair_member(graph.producer(node.input(2))):
            yield Place(node.name, f"bias {before_pair(graph, node.input(2))} behind DQ")


def _is(node: Node | None, operators: tuple[str, ...]) -> bool:
    return node is not None and not node.domain and node.op in operators


RULES = (
    Rule(
        name="half-quantised-layer",
        severity=Severity.WARNING,
        applies=every_target,
        find=_half_quantised,
        reason="A layer runs in INT8 only if both its input and its weights come from Q/DQ; this "
        "one runs in float and pays for the conversions.",
        remedy="Quantise both, or neither.",
        source="TensorRT documentation, Q/DQ placement; ONNX Runtime, QDQ selectors",
    ),
    Rule(
        name="q-before-activation",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_q_before_activation,
        reason="Q/DQ between a layer and its activation or BatchNorm splits what would be one "
        "kernel, and spends half the range on values that a ReLU drops.",
        remedy="Fold BatchNorm first, then quantise behind the activation.",
        source="TRT #3629, #3542, #3074",
    ),
    Rule(
        name="split-silu",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_split_silu,
        reason="Q/DQ on one branch of x * sigmoid(x) only splits the fusion.",
        remedy="Let both branches read the same tensor; quantise the product.",
        source="TRT #3629, #3542, #3074",
    ),
    Rule(
        name="concat-scales",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_concat_scales,
        reason="Every input with a scale of its own costs a kernel that rescales it.",
        remedy="Give all inputs the largest of their ranges.",
        source="TensorRT documentation, Q/DQ placement; ModelOpt concat passes",
    ),
    Rule(
        name="concat-before-convolution",
        severity=Severity.NOTE,
        applies=on_tensorrt,
        find=_concat_before_layer,
        reason="With explicit Q/DQ a Concat is not fused into the convolution that reads it.",
        remedy="Where it shows in the profile, split the convolution: Conv(a) + Conv(b).",
        source="ModelOpt #174; TRT #4401, #3861",
    ),
    Rule(
        name="no-q-behind",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_pairs_that_do_not_commute,
        reason="Q and DQ do not move across an average or a product: it runs in INT8 only if both "
        "its inputs and its output are quantised.",
        remedy="Quantise its output too, or take the pairs before it away.",
        source="TensorRT documentation, Q/DQ placement",
    ),
    Rule(
        name="quantised-output",
        severity=Severity.WARNING,
        applies=every_target,
        find=_integer_outputs,
        reason="An output that was rounded to 255 levels moves thresholds and contours, and saves "
        "nothing.",
        remedy="Remove the pair at the output.",
        source="TensorRT documentation, Q/DQ placement; ultralytics PR #26171, #26220",
    ),
    Rule(
        name="quantised-head",
        severity=Severity.WARNING,
        applies=every_target,
        find=_integer_heads,
        reason="The last layer before an output is the one whose rounding nothing averages out.",
        remedy="Leave it in float; it is a small part of the work.",
        source="ultralytics PR #26171, #26220; tried with the angiogram quality network",
    ),
    Rule(
        name="quantised-bias",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_integer_biases,
        reason="The parser refuses a bias behind DQ.",
        remedy="Store the bias in float (QuantizeBias=False in ONNX Runtime's quantiser).",
        source="ORT #14229; TRT #4008",
    ),
)
