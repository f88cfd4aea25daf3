"""What ONNX Runtime needs on a CPU to run Q/DQ as integers."""

from collections.abc import Iterator

import numpy as np

from calibration.graph import Graph, Node
from calibration.lint.quantisation import (
    CLAMPS,
    DEQUANTISE,
    QUANTISE,
    Layer,
    integer_layers,
    integer_type,
    integer_weights,
    layers,
    pair_members,
    quantised_as,
    quantisers_behind,
    scale,
)
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, on_onnxruntime

LOWEST = {"INT8": -128, "UINT8": 0}
SEVEN_BITS = 64
BIAS_TOLERANCE = 1e-2
"""Relative, as ONNX Runtime's own check allows."""


def _other_integer_type(graph: Graph, target: Target) -> Iterator[Place]:
    other = "INT8" if target.activations == "UINT8" else "UINT8"
    for node in quantised_as(graph, other):
        yield Place(node.name, f"{other} activations, expected {target.activations}")


def _kept_activations(graph: Graph, _: Target) -> Iterator[Place]:
    integer = {layer.node.name for layer in integer_layers(graph)}
    for node in graph.named(*CLAMPS):
        producer = graph.producer(node.input(0))
        if producer is None or producer.name not in integer:
            continue
        for reader in graph.consumers(node):
            point = _zero_point(graph, reader) if reader.op == QUANTISE else None
            if point is not None and point != LOWEST.get(integer_type(graph, reader) or "", point):
                yield Place(node.name, f"{node.op} before a Q with zero point {point}")


def _zero_point(graph: Graph, node: Node) -> int | None:
    values = graph.constant(node.input(2)) if node.input(2) else None
    return int(values.flat[0]) if values is not None and values.size else None


def _no_q_behind(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        if layer.is_convolution and not quantisers_behind(graph, layer.node):
            yield Place(layer.node.name, "its output is not quantised")


def _saturating(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        unsigned = layer.activation and integer_type(graph, layer.activation) == "UINT8"
        if unsigned and layer.weight and integer_type(graph, layer.weight) == "INT8":
            weights = integer_weights(graph, layer)
            if weights is not None and np.any(np.abs(weights.astype(np.float64)) > SEVEN_BITS):
                yield Place(layer.node.name, "UINT8 activations, weights of 8 bits")


def _float_weights(graph: Graph, _: Target) -> Iterator[Place]:
    for node in pair_members(graph, weights=True):
        if node.op == QUANTISE:
            yield Place(node.name, f"quantises {node.input(0)} when the graph is loaded")


def _rounded_weights(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in layers(graph):
        integer_input = layer.activation is not None and layer.weight is None
        rounded = layer.node.op in {"Conv", "ConvTranspose", "Gemm"}
        if rounded and integer_input and quantisers_behind(graph, layer.node):
            yield Place(layer.node.name, "float weights between two pairs")


def _bias_scales(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        bias = graph.producer(layer.node.input(2))
        if bias is None or bias.op != DEQUANTISE:
            continue
        expected, found = _product(graph, layer), scale(graph, bias)
        if expected is not None and found is not None and not _close(found, expected):
            yield Place(layer.node.name, f"bias scale {found.flat[0]:g}, not {expected.flat[0]:g}")


def _close(found: np.ndarray, expected: np.ndarray) -> bool:
    fit = found.size in {1, expected.size} or expected.size == 1
    return fit and bool(np.allclose(found, expected, rtol=BIAS_TOLERANCE, atol=0))


def _product(graph: Graph, layer: Layer) -> np.ndarray | None:
    steps = [scale(graph, node) for node in (layer.activation, layer.weight) if node is not None]
    if len(steps) != 2 or steps[0] is None or steps[1] is None or steps[0].size != 1:
        return None
    return np.asarray(steps[0].flat[0] * steps[1])


MEASURED = "tried with ONNX Runtime 1.31.1 on an x86 CPU with VNNI"
RULES = (
    Rule(
        name="signed-activations",
        severity=Severity.WARNING,
        applies=lambda target: on_onnxruntime(target) and target.activations == "UINT8",
        find=_other_integer_type,
        reason="With INT8 activations a ReLU, and every tensor that is read twice, keeps its "
        "neighbours in float; with UINT8 they are integer.",
        remedy="Run the UINT8 twin: zero point 128 with the same scale means the same numbers.",
        source=MEASURED,
    ),
    Rule(
        name="unsigned-activations",
        severity=Severity.NOTE,
        applies=lambda target: on_onnxruntime(target) and target.activations == "INT8",
        find=_other_integer_type,
        reason="ARM's dot products multiply signed by signed bytes.",
        remedy="Give this target the INT8 form, and measure both.",
        source="ONNX Runtime documentation, quantization on ARM",
    ),
    Rule(
        name="activation-not-absorbed",
        severity=Severity.WARNING,
        applies=on_onnxruntime,
        find=_kept_activations,
        reason="A ReLU disappears into the Q behind it only if the zero point is the type's lowest "
        "value; else the convolution before it stays in float, slower than in FP32.",
        remedy="Behind a ReLU write UINT8 with zero point 0.",
        source=f"ORT PR #11696; {MEASURED}",
    ),
    Rule(
        name="convolution-without-q-behind",
        severity=Severity.WARNING,
        applies=on_onnxruntime,
        find=_no_q_behind,
        reason="A convolution becomes an integer one only if every reader of its output is a Q.",
        remedy="Quantise its output, or leave its input and weights in float too.",
        source=MEASURED,
    ),
    Rule(
        name="saturating-products",
        severity=Severity.WARNING,
        applies=lambda target: target.pair_sums_saturate,
        find=_saturating,
        reason="AVX2 and AVX-512 without VNNI add two products of UINT8 and INT8 in 16 bits and "
        "saturate: other numbers than on a CPU with VNNI.",
        remedy="Open it in a session, which has the library compute exact sums "
        "(session.x64quantprecision), or quantise weights to 7 bits.",
        source="ONNX Runtime documentation, reduce_range; VPMADDUBSW",
    ),
    Rule(
        name="weights-quantised-at-load",
        severity=Severity.NOTE,
        applies=on_onnxruntime,
        find=_float_weights,
        reason="Float weights behind Q/DQ are stored four times as large and rounded at every "
        "start.",
        remedy="Store INT8 weights before a DQ.",
        source="ONNX Runtime documentation, QDQ format",
    ),
    Rule(
        name="float-weights-between-pairs",
        severity=Severity.WARNING,
        applies=on_onnxruntime,
        find=_rounded_weights,
        reason="The library takes it for a request to compute in integers, and rounds the weights "
        "to 8 bits with one scale for all channels.",
        remedy="Store INT8 weights with a scale per channel, or take one of the two pairs away.",
        source="its optimiser WeightBiasQuantization; tried with ONNX Runtime 1.32 on an x86 CPU",
    ),
    Rule(
        name="bias-scale",
        severity=Severity.ERROR,
        applies=on_onnxruntime,
        find=_bias_scales,
        reason="An integer convolution takes the bias in steps of input scale x weight scale. With "
        "another scale older releases add a wrong bias, newer ones run it in float.",
        remedy="Quantise the bias with that product, or leave it in float.",
        source="ORT PR #28229, #24711",
    ),
)
