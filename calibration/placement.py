"""Where Q/DQ goes: on the inputs of what becomes INT8, with a reason for everything that does not.

The rules are those of explicit quantisation in TensorRT: pairs stand before convolutions and
products, hence after the ReLU; a residual addition takes one on its identity branch only; the
inputs of a concatenation share one scale; biases, heads and outputs stay float.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from calibration.errors import CalibrationError
from calibration.graph import Node
from calibration.quantisable import WEIGHTED, Quantisable, ceiling
from calibration.rules import (
    FLOAT_OPS,
    float_reason,
    int8_on_x86,
    weight_axis,
    weighted_depth,
)
from calibration.wording import some

X86 = Literal["onnxruntime", "openvino", "exact"]
"""What the twin for x86 is wired for: a library, or the exact numbers of the form for TensorRT."""
ROUNDED_BETWEEN_PAIRS = {"Conv", "ConvTranspose", "Gemm"}
"""Operators whose float weights ONNX Runtime (1.32) rounds where pairs stand on both sides."""
ASKED = "kept in float as asked"
UNMEASURED = "its identity branch was not measured: it was the fused one while all was INT8"
SENSITIVE = "sensitive: the answers of the network change most where it is quantised"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of one operation.

    Attributes:
        node: its name.
        op: operator.
        int8: whether it computes in INT8.
        reason: why it does or does not.
    """

    node: str
    op: str
    int8: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The pairs of one form of the graph.

    Attributes:
        pairs: tensors that get one Q/DQ pair each, in graph order.
        reads: (position of a node, tensor) that read the pair instead of the tensor.
        apart: positions of float operations between two pairs. ONNX Runtime would take that for a
            request and round their weights to 8 bits, with one scale for all channels.
        weights: like those of the placement, in this form alone.
    """

    pairs: tuple[str, ...]
    reads: frozenset[tuple[int, str]]
    apart: frozenset[int] = frozenset()
    weights: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where Q/DQ goes.

    Attributes:
        weights: position of a node that becomes INT8 -> axis of the output channels of its weight.
        residuals: position of an addition that fuses into one of these -> its identity branch,
            which takes a pair.
        tensorrt: pairs that every form has.
        cpu: the same, and for ONNX Runtime pairs behind the INT8 operations: it computes in
            integers only what stands between a DQ and a Q. Depthwise convolutions that give to an
            INT8 operation get a pair before them, so that they stand between two, except in an
            exact twin.
        x86: what `cpu` is for.
        groups: tensors that share one scale.
        decisions: one per operation that computes, in graph order.
    """

    weights: dict[int, int]
    residuals: dict[int, str]
    tensorrt: Wiring
    cpu: Wiring
    x86: X86
    groups: tuple[tuple[str, ...], ...]
    decisions: tuple[Decision, ...]


def place(
    graph: Quantisable,
    keep_float: Sequence[str] = (),
    sensitive: Collection[int] = (),
    x86: X86 = "onnxruntime",
    measured: Collection[str] | None = None,
) -> Placement:
    """Decides what becomes INT8.

    Args:
        graph: the FP32 graph.
        keep_float: names of operations to leave in float; ``*`` stands for any part of a name.
        sensitive: positions of operations to leave in float because their error was measured; of an
            addition, so that its identity branch is not rounded.
        x86: what the twin for x86 is for.
        measured: tensors with a range; None: all. An addition that needs another stays in float.

    Raises:
        CalibrationError: nothing becomes INT8, or a name fits no operation that would.
    """
    reasons = _reasons(graph, keep_float, sensitive)
    chosen = [node for node in graph.nodes if node.index in reasons and not reasons[node.index]]
    if not chosen:
        raise CalibrationError(_nothing(graph, reasons))
    identities = _identities(graph, chosen, reasons, measured)
    reads = {(node.index, node.inputs[0]) for node in chosen} | set(identities.items())
    reads |= _concat_reads(graph, {tensor for _, tensor in reads})
    behind = _behind(graph, chosen) if x86 == "onnxruntime" else set()
    cpu = _for_x86(graph, reads | behind, reasons, reasons if x86 == "exact" else sensitive)
    told = reasons | _in_twin(cpu, reasons)
    decided = (_decide(graph, node, told, identities) for node in graph.nodes)
    return Placement(
        weights={node.index: weight_axis(graph, node) for node in chosen},
        residuals=identities,
        tensorrt=_wiring(graph, reads),
        cpu=cpu,
        x86=x86,
        groups=_groups(graph, reads),
        decisions=tuple(filter(None, decided)),
    )


def _in_twin(cpu: Wiring, reasons: Mapping[int, str | None]) -> dict[int, str | None]:
    return {index: f"{reasons[index]}; INT8 in the twin for x86" for index in cpu.weights}


def _nothing(graph: Quantisable, reasons: Mapping[int, str | None]) -> str:
    by_reason: dict[str | None, list[str]] = {}
    for index, reason in reasons.items():
        by_reason.setdefault(reason, []).append(graph.nodes[index].name)
    told = "; ".join(f"{some(names)}: {reason}" for reason, names in by_reason.items())
    why = told or "it has no convolution and no matrix product"
    return f"nothing in this network would become INT8: {why}"


def _reasons(
    graph: Quantisable, keep_float: Sequence[str], sensitive: Collection[int]
) -> dict[int, str | None]:
    """Position of a convolution or product -> why it stays in float, None if it becomes INT8.

    Of an addition only where it is sensitive.
    """
    reasons = {node.index: float_reason(graph, node) for node in graph.nodes if node.op in WEIGHTED}
    for pattern in keep_float:
        kept = [i for i in reasons if fnmatchcase(graph.nodes[i].name, pattern)]
        if not kept:
            raise CalibrationError(f"no convolution or matrix product is called {pattern}")
        reasons |= dict.fromkeys(kept, ASKED)
    return reasons | {index: reasons.get(index) or SENSITIVE for index in sensitive}


def _identities(
    graph: Quantisable,
    chosen: list[Node],
    reasons: dict[int, str | None],
    measured: Collection[str] | None,
) -> dict[int, str]:
    """For additions that fuse into a convolution: position -> the branch that does not.

    An addition whose branch was not measured gets that as its reason.
    """
    depth = weighted_depth(graph)
    made = {node.outputs[0] for node in chosen}
    found = {}
    for node in graph.nodes:
        branches = graph.activations(node)
        shapes = {graph.shapes.get(name) for name in branches}
        if node.op != "Add" or len(set(branches)) != 2 or len(shapes) != 1:
            continue
        if node.index in reasons:
            continue
        fusable = [name for name in branches if name in made and graph.only_reader(name)]
        if fusable:
            fused = max(fusable, key=lambda name: depth[name])
            identity = branches[0] if fused == branches[1] else branches[1]
            if measured is None or identity in measured:
                found[node.index] = identity
            else:
                reasons[node.index] = UNMEASURED
    return found


def _concat_reads(graph: Quantisable, paired: set[str]) -> set[tuple[int, str]]:
    """Concatenations whose result is quantised: every input of theirs is, with the same scale."""
    paired, reads = set(paired), set()
    for node in reversed(graph.nodes):
        if node.op == "Concat" and node.outputs[0] in paired:
            branches = graph.activations(node)
            reads |= {(node.index, name) for name in branches}
            paired |= set(branches)
    return reads


def _groups(graph: Quantisable, reads: set[tuple[int, str]]) -> tuple[tuple[str, ...], ...]:
    group_of: dict[str, set[str]] = {}
    for index in sorted({i for i, _ in reads if graph.nodes[i].op == "Concat"}):
        node = graph.nodes[index]
        members = {node.outputs[0], *graph.activations(node)}
        for name in tuple(members):
            members |= group_of.get(name, set())
        group_of |= dict.fromkeys(members, members)
    rank = graph.order()
    return tuple(sorted({tuple(sorted(them, key=rank.__getitem__)) for them in group_of.values()}))


def _behind(graph: Quantisable, chosen: list[Node]) -> set[tuple[int, str]]:
    """Every reader of what the INT8 operations give, after their ReLU or its bounded form."""
    reads: set[tuple[int, str]] = set()
    for node in chosen:
        tensor = _after_relu(graph, node)
        if tensor not in graph.outputs:
            reads |= {(reader.index, tensor) for reader in graph.readers(tensor)}
    return reads


def _before_depthwise(
    graph: Quantisable, reads: set[tuple[int, str]], on_x86: Collection[int]
) -> set[tuple[int, str]]:
    """The reads with those of depthwise convolutions whose result is read through a pair."""
    reads, paired = set(reads), {tensor for _, tensor in reads}
    for index in sorted(on_x86, reverse=True):
        node = graph.nodes[index]
        if _after_relu(graph, node) in paired:
            reads.add((index, node.inputs[0]))
            paired.add(node.inputs[0])
    return reads


def _after_relu(graph: Quantisable, node: Node) -> str:
    """What a node gives, after the ReLU that alone reads it, with or without a ceiling."""
    after = graph.only_reader(node.outputs[0])
    bent = after is not None and (after.op == "Relu" or ceiling(graph, after) is not None)
    return after.outputs[0] if after is not None and bent else node.outputs[0]


def _for_x86(
    graph: Quantisable,
    reads: set[tuple[int, str]],
    reasons: Mapping[int, str | None],
    sensitive: Collection[int],
) -> Wiring:
    on_x86 = {i for i in reasons if reasons[i] != ASKED and int8_on_x86(graph, graph.nodes[i])}
    on_x86 -= set(sensitive)
    in_integers = _before_depthwise(graph, reads, on_x86)
    return _between_pairs(graph, _wiring(graph, in_integers), reasons, on_x86)


def _between_pairs(
    graph: Quantisable, wiring: Wiring, reasons: Mapping[int, str | None], on_x86: Collection[int]
) -> Wiring:
    """The wiring with what becomes of float operations whose input and result carry pairs."""
    between = [
        node
        for node in graph.nodes
        if node.op in ROUNDED_BETWEEN_PAIRS
        and reasons.get(node.index)
        and (node.index, node.inputs[0]) in wiring.reads
        and _after_relu(graph, node) in wiring.pairs
    ]
    weights = {node.index: weight_axis(graph, node) for node in between if node.index in on_x86}
    apart = frozenset(node.index for node in between if node.index not in weights)
    return replace(wiring, apart=apart, weights=weights)


def _wiring(graph: Quantisable, reads: Iterable[tuple[int, str]]) -> Wiring:
    reads = frozenset(reads)
    tensors = {tensor for _, tensor in reads}
    return Wiring(pairs=tuple(sorted(tensors, key=graph.order().__getitem__)), reads=reads)


def _decide(
    graph: Quantisable, node: Node, reasons: dict[int, str | None], identities: dict[int, str]
) -> Decision | None:
    int8, reason = False, FLOAT_OPS.get(node.op)
    if node.index in reasons:
        int8, reason = reasons[node.index] is None, reasons[node.index] or "weight and input"
    elif node.index in identities:
        int8, reason = True, "residual: fuses into its convolution, identity branch quantised"
    elif node.op == "Add" and len(graph.activations(node)) == 2:
        reason = "no INT8 convolution ends in it, so there is nothing to fuse it into"
    if reason is None:
        return None
    return Decision(node=node.name, op=node.op, int8=int8, reason=reason)
