"""Which operations stay in float, and why: one rule, one function.

Thread numbers are of NVIDIA/TensorRT and microsoft/onnxruntime (ORT).
"""

from collections.abc import Callable, Sequence
from math import prod

from onnx import TensorProto

from calibration.graph import Node
from calibration.quantisable import WEIGHTED, Quantisable

NARROWEST = 16
CHANNELS_PER_GROUP = 4
NORM = "normalisation: overflows or drifts below FP32 (#2691, #4756)"
NO_GAIN = "no INT8 kernel that gains; it would split the fusion around it"
FLOAT_OPS = {
    "AveragePool": NO_GAIN,
    "BatchNormalization": "normalisation that follows no convolution: cannot be folded",
    "Div": NO_GAIN,
    "Erf": NO_GAIN,
    "Gelu": NO_GAIN,
    "GlobalAveragePool": NO_GAIN,
    "GroupNormalization": NORM,
    "HardSigmoid": NO_GAIN,
    "HardSwish": NO_GAIN,
    "InstanceNormalization": NORM,
    "LayerNormalization": NORM,
    "LpNormalization": NORM,
    "MeanVarianceNormalization": NORM,
    "Mul": NO_GAIN,
    "ReduceMean": NO_GAIN,
    "Resize": "interpolation: float in every target, except nearest, which passes integers on",
    "Sigmoid": NO_GAIN,
    "Softmax": "softmax: probabilities need more than 8 bits, and no target fuses it in INT8",
    "Tanh": NO_GAIN,
}
"""Operations that are never quantised, with the reason."""

Rule = Callable[[Quantisable, Node], str | None]


def float_reason(graph: Quantisable, node: Node) -> str | None:
    """Why a convolution or matrix product stays in float, None if it becomes INT8."""
    return next((reason for rule in RULES if (reason := rule(graph, node))), None)


def int8_on_x86(graph: Quantisable, node: Node) -> bool:
    """Whether only TensorRT's kernels keep a convolution in float, and ONNX Runtime gains.

    It does with channels that are convolved alone and give one each. Other groups are products of
    their own there: up to ten times slower than float (ONNX Runtime 1.32 on an x86 CPU with VNNI).
    """
    others = (rule for rule in RULES if rule is not _depthwise)
    if node.op != "Conv" or any(rule(graph, node) for rule in others):
        return False
    made, read = graph.constants[node.inputs[1]].dims[:2]
    return bool(read == 1 and made == node.attributes.get("group", 1) > 1)


def weight_axis(graph: Quantisable, node: Node) -> int:
    """Axis of the output channels in the weight of a Conv, Gemm or MatMul."""
    if node.op == "Conv" or node.attributes.get("transB", 0):
        return 0
    return len(graph.constants[node.inputs[1]].dims) - 1


def weighted_depth(graph: Quantisable) -> dict[str, int]:
    """For every activation, how many convolutions and products lie before it at most."""
    depth = dict.fromkeys(graph.inputs, 0)
    for node in graph.nodes:
        before = max((depth.get(name, 0) for name in graph.activations(node)), default=0)
        depth |= dict.fromkeys(node.outputs, before + (node.op in WEIGHTED))
    return depth


def _product_of_activations(graph: Quantisable, node: Node) -> str | None:
    if node.op != "ConvTranspose" and len(graph.activations(node)) > 1:
        return "attention: a product of two activations gains only in fused kernels (#3714)"
    return None


def _weight_on_the_left(graph: Quantisable, node: Node) -> str | None:
    if node.inputs[0] in graph.constants:
        return "its constant factor is on the left, where no target takes a per-channel scale"
    if node.attributes.get("transA", 0):
        return "its activation is transposed"
    return None


def _not_float32(graph: Quantisable, node: Node) -> str | None:
    weight = graph.constants[node.inputs[1]]
    if weight.data_type != TensorProto.FLOAT:
        found = TensorProto.DataType.Name(weight.data_type)
        return f"its weight is {found}; export the network in FP32, calibration makes the halves"
    if node.op == "MatMul" and len(weight.dims) != 2:
        return "its weight is no matrix"
    return None


def _transposed(_: Quantisable, node: Node) -> str | None:
    if node.op == "ConvTranspose":
        return "transposed convolution: wrong or slower in INT8 (#1519, #1699, ORT #8988)"
    return None


def _recurrent(graph: Quantisable, node: Node) -> str | None:
    if node.index in graph.recurrent:
        return "recurrent: what it computes comes back in every later frame, and so does its error"
    return None


def _depthwise(graph: Quantisable, node: Node) -> str | None:
    group = node.attributes.get("group", 1)
    per_group = graph.constants[node.inputs[1]].dims[1]
    if node.op != "Conv" or group == 1:
        return None
    if per_group == 1:
        return "depthwise: memory bound, slower in INT8 or without a kernel (#3385, #4060)"
    if per_group % CHANNELS_PER_GROUP:
        return f"grouped with {per_group} channels per group, no multiple of {CHANNELS_PER_GROUP}"
    return None


def _first(graph: Quantisable, node: Node) -> str | None:
    seen, waiting = set(), list(graph.activations(node))
    while waiting:
        before = graph.producer(waiting.pop())
        if before is None or before.index in seen:
            continue
        if before.op in WEIGHTED:
            return None
        seen.add(before.index)
        waiting += graph.activations(before)
    return "first: reads the image itself, and few channels gain nothing"


def _last(graph: Quantisable, node: Node) -> str | None:
    if _leads_out(graph, node) or not _weighted_behind(graph, node.outputs):
        return "last: a head, its error reaches the answer directly"
    return None


def _leads_out(graph: Quantisable, node: Node) -> bool:
    """Whether an output is reached without another weight or a junction of activations."""
    waiting = list(node.outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor in graph.outputs:
            return True
        for reader in graph.readers(tensor):
            if reader.op not in WEIGHTED and len(graph.activations(reader)) == 1:
                waiting += reader.outputs
    return False


def _weighted_behind(graph: Quantisable, tensors: Sequence[str]) -> bool:
    seen: set[str] = set()
    waiting = list(tensors)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        for reader in graph.readers(tensor):
            if reader.op in WEIGHTED:
                return True
            waiting += reader.outputs
    return False


def _narrow(graph: Quantisable, node: Node) -> str | None:
    extents = graph.constants[node.inputs[1]].dims
    pair = extents[:2] if node.op == "Conv" else extents
    channels = min(pair[0], pair[1] * node.attributes.get("group", 1))
    if channels < NARROWEST:
        return f"narrow: {channels} channels, INT8 kernels want {NARROWEST} and more (#1310)"
    return None


def _vector(graph: Quantisable, node: Node) -> str | None:
    shape = graph.shapes.get(node.outputs[0])
    if shape is None:
        return "the shape of its output is unknown"
    rows = prod(shape[2:]) if node.op == "Conv" else prod(shape[:-1])
    return "a matrix times one vector: memory bound, no gain (#4242)" if rows == 1 else None


RULES: tuple[Rule, ...] = (
    _product_of_activations,
    _transposed,
    _weight_on_the_left,
    _not_float32,
    _recurrent,
    _depthwise,
    _first,
    _last,
    _narrow,
    _vector,
)
"""In the order in which they are asked; the first that has a reason decides."""
