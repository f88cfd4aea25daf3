"""Normalisation: what should have been folded, and what needs FP32."""

from collections.abc import Iterator

from calibration.graph import Graph, Node
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_tensorrt


def _batch_norms(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("BatchNormalization"):
        producer = graph.producer(node.input(0))
        behind = "the input" if producer is None else producer.name
        yield Place(node.name, f"behind {behind}")


def _half_norms(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("InstanceNormalization", "GroupNormalization"):
        if graph.dtype(node.input(0)) == "FLOAT16":
            yield Place(node.name, f"{node.op} in FLOAT16")


def _spelled_layer_norms(graph: Graph, _: Target) -> Iterator[Place]:
    """x - mean, divided by the root of (the mean of its square, plus a constant)."""
    for node in graph.named("Div"):
        root = graph.producer(node.input(1))
        variance = _first_computed(graph, _first_computed(graph, root, "Sqrt"), "Add")
        square = _first_computed(graph, variance, "ReduceMean")
        if square is not None and square.op in {"Pow", "Mul"}:
            yield Place(node.name, "LayerNormalization in single steps")


def _first_computed(graph: Graph, node: Node | None, operator: str) -> Node | None:
    """The node before this one, if this one is of that operator."""
    if node is None or node.op != operator:
        return None
    computed = [graph.producer(tensor) for tensor in node.inputs if not graph.is_constant(tensor)]
    return computed[0] if computed else None


def _spelled_group_norms(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("InstanceNormalization"):
        before = graph.producer(node.input(0))
        reshaped = before is not None and before.op == "Reshape"
        if reshaped and any(reader.op == "Reshape" for reader in graph.consumers(node)):
            yield Place(node.name, "between two Reshape")


def _one_group(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("GroupNormalization"):
        if node.attributes.get("num_groups") == 1:
            yield Place(node.name, "num_groups = 1")


def _instance_norms(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("InstanceNormalization"):
        yield Place(node.name, "InstanceNormalization")


RULES = (
    Rule(
        name="batch-norm-left",
        severity=Severity.WARNING,
        applies=every_target,
        find=_batch_norms,
        reason="A BatchNorm that is not folded stands between a convolution and its activation and "
        "blocks the INT8 fusion.",
        remedy="Fold it into the convolution before or after it, then quantise.",
        source="arXiv 2004.09602; ORT #14270; TRT #3412",
    ),
    Rule(
        name="norm-in-half",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_half_norms,
        reason="Sums over a whole map overflow or lose the variance in FP16.",
        remedy="Cast to FLOAT before the norm and back behind it.",
        source="TRT #2691, #3950, #4312; torch2trt #776",
    ),
    Rule(
        name="layer-norm-in-steps",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_spelled_layer_norms,
        reason="LayerNorm in single steps overflows in FP16 (the square) and does not fuse.",
        remedy="Export at opset 17 or newer, where it is one operator, or keep it in FLOAT.",
        source="TRT #2781, #4493, #3657",
    ),
    Rule(
        name="group-norm-in-steps",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_spelled_group_norms,
        reason="GroupNorm spelled as Reshape, InstanceNormalization, Reshape drifts on large maps.",
        remedy="Train with BatchNorm and fold it; else compare the engine with the graph.",
        source="TRT PR #4749, #4756",
    ),
    Rule(
        name="group-norm-of-one-group",
        severity=Severity.ERROR,
        applies=lambda target: on_tensorrt(target) and not target.one_group_norm_is_right,
        find=_one_group,
        reason="TensorRT 10.16.1 computes GroupNormalization of one group wrongly.",
        remedy="Write it as LayerNormalization over the same axes, or use more groups.",
        source="TRT #4756",
    ),
    Rule(
        name="instance-norm",
        severity=Severity.NOTE,
        applies=on_tensorrt,
        find=_instance_norms,
        reason="It is no INT8 operator, interrupts every INT8 chain, and its speed changed between "
        "releases; the parser has a native form and a plugin.",
        remedy="Build with OnnxParserFlag.NATIVE_INSTANCENORM, or train with BatchNorm.",
        source="TRT #595, #3962, #3165; OnnxParserFlag",
    ),
)
