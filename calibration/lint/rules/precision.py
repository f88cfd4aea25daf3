"""Numbers that FP16 cannot hold, and layers that stay in FP32."""

from collections.abc import Iterator
from math import prod

import numpy as np

from calibration.graph import Graph
from calibration.lint.quantisation import before_pair, layers
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, on_tensorrt

LARGEST_HALF = 65504.0
COUNTS_EXACTLY = 2048
"""Halves count in ones up to here."""


def _beyond_half(graph: Graph, _: Target) -> Iterator[Place]:
    outputs = (node.outputs[0] for node in graph.named("Constant"))
    for tensor in (*graph.initialisers, *outputs):
        if graph.dtype(tensor) not in {"FLOAT", "DOUBLE"}:
            continue
        values = graph.constant(tensor)
        if values is None or values.size == 0:
            continue
        finite = values[np.isfinite(values)]
        extreme = max(finite.max(initial=0), -finite.min(initial=0))
        if extreme > LARGEST_HALF:
            yield Place(tensor, f"holds {extreme:g}, FP16 ends at {LARGEST_HALF:g}")


def _long_sums(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("ReduceSum"):
        before, behind = graph.shape(node.input(0)), graph.shape(node.outputs[0])
        if before and behind is not None and None not in before and None not in behind:
            count = prod(n or 0 for n in before) // max(prod(n or 0 for n in behind), 1)
            if count > COUNTS_EXACTLY:
                yield Place(node.name, f"adds {count} values")


def _single_precision(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in layers(graph):
        source = before_pair(graph, layer.node.input(0))
        if not layer.is_integer and graph.dtype(source) == "FLOAT":
            yield Place(layer.node.name, f"{layer.node.op} in FLOAT")


RULES = (
    Rule(
        name="constant-beyond-half",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_beyond_half,
        reason="In an FP16 engine this number becomes infinite.",
        remedy="Rescale it, or keep the nodes that read it in FLOAT.",
        source="ModelOpt autocast (init_max, data_max); IEEE 754 binary16",
    ),
    Rule(
        name="long-sum",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_long_sums,
        reason="A sum over a map overflows or loses its last terms in FP16.",
        remedy="Use means, with 1e-3 added where one divides by them.",
        source="IEEE 754 binary16; design of the angiogram quality network",
    ),
    Rule(
        name="single-precision-layer",
        severity=Severity.WARNING,
        applies=lambda target: target.always_strongly_typed,
        find=_single_precision,
        reason="Every network is strongly typed: a layer whose tensors are FLOAT runs in FP32, "
        "which is slow on Orin.",
        remedy="Give this target the typed FP16 form of the graph, at opset 19 or newer.",
        source="NVIDIA/TensorRT, strong typing migration guide",
    ),
)
