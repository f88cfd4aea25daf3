"""Operators that a target does not know, or should not be given."""

from collections.abc import Iterator

from calibration.graph import Graph
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_tensorrt

INTEGER_OPERATORS = {
    "ConvInteger",
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "QGemm",
    "QLinearConv",
    "QLinearMatMul",
}
MOST_TOP_K = 3840


def _integer_operators(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.nodes:
        if node.op in INTEGER_OPERATORS:
            yield Place(node.name, node.op)


def _foreign(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.nodes:
        if node.domain and node.op not in INTEGER_OPERATORS:
            yield Place(node.name, f"{node.op} of {node.domain}")


def _attention(graph: Graph, target: Target) -> Iterator[Place]:
    for node in graph.named("Attention"):
        rank = len(graph.shape(node.input(0)) or (0,) * 4)
        if not target.attention_operator:
            yield Place(node.name, "Attention")
        elif rank != 4:
            yield Place(node.name, f"Attention of {rank} axes, expected 4")


def _group_normalization(graph: Graph, _: Target) -> Iterator[Place]:
    if graph.opset >= 21:
        for node in graph.named("GroupNormalization"):
            yield Place(node.name, f"GroupNormalization of opset {graph.opset}")


def _loops(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Loop", "Scan"):
        yield Place(node.name, node.op)


def _dropout(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Dropout"):
        yield Place(node.name, "Dropout")


def _detection(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("NonMaxSuppression", "TopK"):
        yield Place(node.name, node.op)


def _long_top_k(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("TopK"):
        count = graph.constant(node.input(1))
        if count is not None and count.size == 1 and count.item() >= MOST_TOP_K:
            yield Place(node.name, f"K = {count.item()}")


RULES = (
    Rule(
        name="integer-operator",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_integer_operators,
        reason="TensorRT reads quantisation as Q/DQ pairs around float operators only.",
        remedy="Quantise again in the Q/DQ form.",
        source="onnx-tensorrt docs/operators.md",
    ),
    Rule(
        name="foreign-operator",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_foreign,
        reason="Outside ONNX itself the parser needs a plugin for every operator; plugin "
        "interfaces were removed between the supported releases, and plugins are code that a plan "
        "loads.",
        remedy="Write it with operators of ONNX, or keep it outside the graph.",
        source="TensorRT 11.0 release notes (IPluginV2 deprecated, stock plugins removed)",
    ),
    Rule(
        name="attention-operator",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_attention,
        reason="Attention of opset 23 is known since TensorRT 10.14, with 4 axes only.",
        remedy="Export attention as MatMul, Softmax, MatMul.",
        source="onnx-tensorrt docs/operators.md",
    ),
    Rule(
        name="group-normalization-operator",
        severity=Severity.ERROR,
        applies=lambda target: on_tensorrt(target) and not target.native_group_normalization,
        find=_group_normalization,
        reason="GroupNormalization of opset 21 is native since TensorRT 10.9 and fails before.",
        remedy="Train with BatchNorm and fold it, or export at opset 17.",
        source="TRT #4336",
    ),
    Rule(
        name="loop-in-the-graph",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_loops,
        reason="A recurrence inside the graph runs as a chain of small kernels that do not fuse.",
        remedy="Export one step, with its state as input and output, and loop outside.",
        source="tried with a recurrent network (ConvGRU) and torch.onnx",
    ),
    Rule(
        name="dropout-left",
        severity=Severity.WARNING,
        applies=every_target,
        find=_dropout,
        reason="Dropout in a graph means that the network was exported while training.",
        remedy="Export after network.eval().",
        source="torch.onnx.export, training mode",
    ),
    Rule(
        name="detection-in-the-graph",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_detection,
        reason="Ranking and suppression of boxes gain nothing from INT8 or FP16, and "
        "NonMaxSuppression knows no volumes.",
        remedy="Keep it outside the engine: sdk.kernels decodes, suppresses and fuses boxes.",
        source="ONNX NonMaxSuppression; ultralytics PR #26171, #26220",
    ),
    Rule(
        name="top-k-too-long",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_long_top_k,
        reason=f"TensorRT takes K below {MOST_TOP_K}.",
        remedy="Rank outside the engine, or filter by score before.",
        source="TensorRT ITopKLayer",
    ),
)
