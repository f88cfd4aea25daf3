"""The form of each Q and DQ: types, zero points, scales, axes, pairs."""

from collections.abc import Iterator

import numpy as np

from calibration.graph import Graph, Node
from calibration.lint.quantisation import (
    DEQUANTISE,
    QUANTISE,
    before_pair,
    holds_weights,
    integer_layers,
    integer_type,
    is_pair_member,
    scale,
)
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_tensorrt

PAIR = (QUANTISE, DEQUANTISE)
SMALLEST_NORMAL = {"FLOAT": float(np.finfo(np.float32).tiny), "FLOAT16": 2.0**-14}


def _types(graph: Graph, target: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        kind = integer_type(graph, node)
        is_bias = kind == "INT32"
        if kind is None or is_bias or target.quantised_types is None:
            continue
        if kind not in target.quantised_types:
            yield Place(
                node.name, f"{kind}, expected {' or '.join(sorted(target.quantised_types))}"
            )


def _zero_points(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        if not node.input(2):
            continue
        values = graph.constant(node.input(2))
        if values is None:
            yield Place(node.name, "zero point is computed")
        elif np.any(values.astype(np.float64) != 0):
            yield Place(node.name, f"zero point {values.astype(np.float64).flat[0]:g}")


def _computed_scales(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        if scale(graph, node) is None:
            yield Place(node.name, f"scale {node.input(1)} is computed")


def _bad_scales(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        step = scale(graph, node)
        if step is None:
            continue
        bad = step[~(np.isfinite(step) & (step > 0))]
        if bad.size:
            yield Place(node.name, f"scale {bad[0]:g} ({bad.size} of {step.size})")


def _tiny_scales(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        step = scale(graph, node)
        floor = SMALLEST_NORMAL.get(graph.dtype(node.input(1)) or "", 0.0)
        if step is not None and np.any((step > 0) & (step < floor)):
            yield Place(node.name, f"scale {step[step > 0].min():g}, expected {floor:g} or more")


def _scale_shapes(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*PAIR):
        shape = graph.shape(node.input(1))
        if shape is None:
            continue
        if len(shape) > 1:
            yield Place(node.name, f"scale of {len(shape)} axes")
        elif shape not in {(), (1,)} and not holds_weights(graph, node):
            yield Place(node.name, f"{shape[0]} scales for one activation tensor")


def _scale_types(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(QUANTISE):
        tensor, step = graph.dtype(node.input(0)), graph.dtype(node.input(1))
        if tensor and step and tensor != step:
            yield Place(node.name, f"{step} scale of a {tensor} tensor")


def _half_scales(graph: Graph, _: Target) -> Iterator[Place]:
    if graph.opset < 19:
        for node in graph.named(*PAIR):
            if graph.dtype(node.input(1)) == "FLOAT16":
                yield Place(node.name, f"FLOAT16 scale at opset {graph.opset}")


def _weight_axes(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        step = graph.shape(layer.weight.input(1)) if layer.weight else None
        if layer.weight is None or layer.node.op == "ConvTranspose" or step in {None, (), (1,)}:
            continue
        axis = int(layer.weight.attributes.get("axis", 1)) % len(layer.shape)
        if axis != layer.output_axis:
            yield Place(layer.node.name, f"weights on axis {axis}, expected {layer.output_axis}")


def _lone_members(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(QUANTISE):
        readers = graph.consumers(node)
        if not readers and node.outputs[0] not in graph.outputs:
            yield Place(node.name, "a Q that nothing reads")
        yield from (
            Place(node.name, f"a Q read by {reader.op}, not by a DQ")
            for reader in readers
            if reader.op != DEQUANTISE
        )
    for node in graph.named(DEQUANTISE):
        if not graph.consumers(node) and node.outputs[0] not in graph.outputs:
            yield Place(node.name, "a DQ that nothing reads")
        elif not _has_a_partner(graph, node):
            yield Place(node.name, "a DQ of a computed tensor, without a Q")


def _has_a_partner(graph: Graph, node: Node) -> bool:
    tensor = node.input(0)
    return (
        is_pair_member(graph.producer(tensor))
        or graph.is_constant(tensor)
        or tensor in graph.inputs
    )


def _doubled(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(QUANTISE):
        producer = graph.producer(node.input(0))
        if producer is not None and producer.op == DEQUANTISE:
            yield Place(node.name, f"quantises {before_pair(graph, node.input(0))} once more")


CLAUSE = "NvInfer.h, IQuantizeLayer and IDequantizeLayer"
RULES = (
    Rule(
        name="quantised-type",
        severity=Severity.ERROR,
        applies=lambda target: target.quantised_types is not None,
        find=_types,
        reason="TensorRT quantises to signed integers; UINT8 serves only as a network's own input "
        "or output.",
        remedy="Write the signed form: INT8 with zero point 0.",
        source=f"{CLAUSE}; tensorrt.DataType of each release's bindings",
    ),
    Rule(
        name="zero-point",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_zero_points,
        reason="TensorRT quantises symmetrically: a zero point must be a constant zero.",
        remedy="Calibrate symmetric ranges and write zero point 0.",
        source=f"{CLAUSE}; ORT #14626",
    ),
    Rule(
        name="computed-scale",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_computed_scales,
        reason="A scale must be known when the engine is built; there is no dynamic quantisation.",
        remedy="Fold the computation and store the scale as a weight.",
        source=CLAUSE,
    ),
    Rule(
        name="scale-not-positive",
        severity=Severity.ERROR,
        applies=every_target,
        find=_bad_scales,
        reason="A scale must be finite and above zero; a channel of zeros or a range never seen "
        "gives zero, a damaged calibration cache gives infinity.",
        remedy="Calibrate again with frames that reach this tensor, and put a floor under scales.",
        source=f"{CLAUSE}; NVIDIA-AI-IOT/tensorrt-utils #21",
    ),
    Rule(
        name="scale-underflow",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_tiny_scales,
        reason="A scale below the smallest normal number of its type is flushed to zero or makes "
        "weights clip.",
        remedy="Put a floor under the scales of channels that are almost zero.",
        source="TRT #2527",
    ),
    Rule(
        name="scale-shape",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_scale_shapes,
        reason="Activations have one scale per tensor, weights one per tensor or per channel.",
        remedy="Give activations one scale; use no blocks for INT8.",
        source=CLAUSE,
    ),
    Rule(
        name="scale-type",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_scale_types,
        reason="A scale has the type of the float tensor it stands for.",
        remedy="Convert scales together with the tensors when making a typed FP16 graph.",
        source="TensorRT documentation, Working with Quantized Types; ORT #32719",
    ),
    Rule(
        name="half-scale-before-opset-19",
        severity=Severity.ERROR,
        applies=every_target,
        find=_half_scales,
        reason="Q and DQ take FP16 scales since opset 19 only.",
        remedy="Export the typed FP16 graph at opset 19 or 20, or keep FP32 at 17.",
        source="ONNX QuantizeLinear-19",
    ),
    Rule(
        name="weight-axis",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_weight_axes,
        reason="Scales per channel are folded into the output; along another axis they cannot be.",
        remedy="Quantise per output channel: axis 0 for Conv, the output axis of a matrix product.",
        source=CLAUSE,
    ),
    Rule(
        name="lone-q-or-dq",
        severity=Severity.WARNING,
        applies=every_target,
        find=_lone_members,
        reason="Q and DQ are understood in pairs; one alone is run as it stands.",
        remedy="Remove it, or write its partner beside it.",
        source="TRT #993, #2067 (unfused Q/DQ); ONNX Runtime, QDQ selectors",
    ),
    Rule(
        name="doubled-pair",
        severity=Severity.WARNING,
        applies=every_target,
        find=_doubled,
        reason="A pair behind a pair rounds again and keeps both from fusing.",
        remedy="Remove the second pair; refuse to quantise a graph that is quantised.",
        source="TRT #993, #2067 (unfused Q/DQ)",
    ),
)
