"""Quantised layers for which the target has no INT8 kernel, or a slow one."""

from collections.abc import Iterator

from calibration.graph import Graph, Node
from calibration.lint.quantisation import (
    Layer,
    before_pair,
    closing_pairs,
    dequantiser,
    integer_layers,
    quantisers_behind,
)
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_onnxruntime, on_tensorrt

NARROW = 16
TENSOR_CORE = 32


def _first(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _convolutions(graph):
        if _is_first(graph, layer):
            yield Place(layer.node.name, f"reads the input, {layer.channels[0]} channels")


def _narrow(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _dense(graph):
        if min(layer.channels) < NARROW:
            yield Place(layer.node.name, _channels(layer))


def _uneven(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _dense(graph):
        if min(layer.channels) >= NARROW and any(n % TENSOR_CORE for n in layer.channels):
            yield Place(layer.node.name, _channels(layer))


def _depthwise(graph: Graph, target: Target) -> Iterator[Place]:
    read = _read_by_integers(graph) if on_onnxruntime(target) else set()
    for layer in _convolutions(graph):
        behind = {node.index for node in quantisers_behind(graph, layer.node)}
        if layer.is_depthwise and not behind & read:
            yield Place(layer.node.name, f"{layer.groups} channels, each alone")


def _read_by_integers(graph: Graph) -> set[int]:
    """The Q that integer layers read: float before them costs a conversion."""
    makers = (graph.producer(layer.node.input(0)) for layer in integer_layers(graph))
    quantisers = (graph.producer(node.input(0)) for node in makers if node is not None)
    return {node.index for node in quantisers if node is not None}


def _grouped(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _convolutions(graph):
        inside = [count // layer.groups for count in layer.channels]
        if layer.groups > 1 and not layer.is_depthwise and any(count % 4 for count in inside):
            yield Place(layer.node.name, f"{inside[0]} -> {inside[1]} channels per group")


def _volumes(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _convolutions(graph):
        if layer.is_volume and layer.groups == 1:
            yield Place(layer.node.name, _channels(layer))


def _grouped_volumes(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in _convolutions(graph):
        if layer.is_volume and layer.groups > 1:
            yield Place(layer.node.name, f"{layer.groups} groups")


def _transposed(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        if layer.node.op == "ConvTranspose":
            yield Place(layer.node.name, "3-D" if layer.is_volume else "2-D")


def _transposed_per_channel(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        step = graph.shape(layer.weight.input(1)) if layer.weight else None
        if layer.node.op == "ConvTranspose" and step not in {None, (), (1,)}:
            axis = layer.weight.attributes.get("axis", 1) if layer.weight else 1
            yield Place(layer.node.name, f"weights per channel, axis {axis}")


def _vectors(graph: Graph, _: Target) -> Iterator[Place]:
    for layer in integer_layers(graph):
        shape = graph.shape(layer.node.input(0)) or ()
        rows = shape[:-1]
        if layer.node.op in {"Gemm", "MatMul"} and rows and all(extent == 1 for extent in rows):
            yield Place(layer.node.name, f"one row of {layer.shape}")


def _float_only(graph: Graph, target: Target) -> Iterator[Place]:
    closing = closing_pairs(graph) if on_onnxruntime(target) else set()
    for node in graph.nodes:
        kind, pair = _kind(node), dequantiser(graph, node.input(0))
        if kind in target.no_integer_kernel and pair is not None and pair.index not in closing:
            yield Place(node.name, "linear Resize" if kind == "LinearResize" else node.op)


def _kind(node: Node) -> str:
    if node.op == "Resize" and node.attributes.get("mode", "nearest") != "nearest":
        return "LinearResize"
    return node.op


def _convolutions(graph: Graph) -> Iterator[Layer]:
    return (layer for layer in integer_layers(graph) if layer.is_convolution)


def _dense(graph: Graph) -> Iterator[Layer]:
    """Ordinary convolutions that do not read the image."""
    for layer in _convolutions(graph):
        if layer.groups == 1 and not _is_first(graph, layer):
            yield layer


def _is_first(graph: Graph, layer: Layer) -> bool:
    return layer.channels[0] <= 3 and before_pair(graph, layer.node.input(0)) in graph.inputs


def _channels(layer: Layer) -> str:
    return f"{layer.channels[0]} -> {layer.channels[1]} channels"


RULES = (
    Rule(
        name="quantised-first-convolution",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_first,
        reason="One to three channels are padded to 32, so nothing is gained, and rounding the "
        "image costs contrast.",
        remedy="Leave the first convolution in float, or measure.",
        source="ModelOpt heuristics; tried with the angiogram quality network",
    ),
    Rule(
        name="narrow-convolution",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_narrow,
        reason=f"Below {NARROW} channels the INT8 kernels pad more than they save.",
        remedy="Leave it in float.",
        source="ModelOpt (excludes convolutions below 16 channels)",
    ),
    Rule(
        name="channels-not-of-32",
        severity=Severity.NOTE,
        applies=on_tensorrt,
        find=_uneven,
        reason=f"INT8 tensor cores want channels in multiples of {TENSOR_CORE}; others are padded.",
        remedy="Choose such widths when the network is designed; compare with FP16 on the device.",
        source="TRT #1310",
    ),
    Rule(
        name="quantised-depthwise",
        severity=Severity.WARNING,
        applies=lambda target: target.slow_depthwise,
        find=_depthwise,
        reason="TensorRT 8.5 and 8.6 found no implementation for some; ONNX Runtime on x86 "
        "is slower with them in INT8 than in float.",
        remedy="Leave depthwise convolutions in float, or measure.",
        source="TRT #3385, #4060, #1847; tried with ONNX Runtime 1.31.1 and VNNI",
    ),
    Rule(
        name="uneven-groups",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_grouped,
        reason="Grouped INT8 convolutions need a multiple of 4 channels in every group.",
        remedy="Leave it in float, or choose other groups.",
        source="TensorRT documentation, Q/DQ placement",
    ),
    Rule(
        name="quantised-volume",
        severity=Severity.NOTE,
        applies=on_tensorrt,
        find=_volumes,
        reason="INT8 convolutions of volumes exist since TensorRT 7, but builds with Q/DQ failed "
        "on some devices.",
        remedy="Verify on the very device, and keep FP16 as the way back.",
        source="TRT #1176, #1726, #2125, #2153",
    ),
    Rule(
        name="grouped-volume",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_grouped_volumes,
        reason="Grouped convolutions of volumes gain nothing from INT8.",
        remedy="Leave it in float; avoid groups in 3-D.",
        source="TRT #1198, #1409",
    ),
    Rule(
        name="quantised-transposed-convolution",
        severity=Severity.WARNING,
        applies=every_target,
        find=_transposed,
        reason="TensorRT has wrong, slow or no INT8 kernels for it, ONNX Runtime has none: slower "
        "than float either way.",
        remedy="Leave it in float, or rewrite kernel = stride as a 1x1 convolution and a shuffle.",
        source="TRT #1699, #2280, #2597, #4668; ORT #8988",
    ),
    Rule(
        name="transposed-convolution-per-channel",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_transposed_per_channel,
        reason="TensorRT reads scales per input channel, others write them per output channel; "
        "results are wrong or the graph is refused.",
        remedy="Leave it in float; if it must be quantised, one scale for all weights.",
        source="TRT #1694, #2380, #1519; ORT #19694",
    ),
    Rule(
        name="quantised-vector-product",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_vectors,
        reason="A matrix times one vector is bound by memory and was slower in INT8 on Orin.",
        remedy="Leave it in float.",
        source="TRT #4242; ModelOpt (excludes GEMV)",
    ),
    Rule(
        name="quantised-float-operator",
        severity=Severity.WARNING,
        applies=every_target,
        find=_float_only,
        reason="The target runs this operator in float, or gains nothing in INT8: the pair before "
        "it only rounds and converts.",
        remedy="Let it read the float tensor.",
        source="ModelOpt operator list; ultralytics #25020; tried with ONNX Runtime 1.31.1",
    ),
)
