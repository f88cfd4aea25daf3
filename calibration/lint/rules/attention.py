"""Attention: two matrix products around a softmax, and what fuses them."""

from collections.abc import Iterator
from typing import NamedTuple

from calibration.graph import Graph, Node
from calibration.lint.quantisation import DEQUANTISE, QUANTISE, dequantiser
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, on_tensorrt

BEFORE_SOFTMAX = {"Add", "Cast", "Div", "Mul", "Reshape", "Where", QUANTISE, DEQUANTISE}
BEHIND_SOFTMAX = {"Cast", "Dropout", "Identity", "Reshape", QUANTISE, DEQUANTISE}
INTEGER_HEADS = {16, 32, 64}
MOST_INTEGER_TOKENS = 512


class Attention(NamedTuple):
    """One attention of the graph."""

    scores: Node
    """Queries times keys."""
    mixture: Node
    """Softmax of the scores times values."""
    head: int | None
    """Channels of one head."""
    tokens: tuple[int | None, int | None]
    """Queries, keys."""


def attentions(graph: Graph) -> Iterator[Attention]:
    """Every softmax between two matrix products of computed tensors."""
    for softmax in graph.named("Softmax"):
        scores = _scores(graph, softmax)
        mixture = _mixture(graph, softmax)
        if scores is None or mixture is None:
            continue
        query, product = graph.shape(scores.input(0)), graph.shape(scores.outputs[0])
        head = query[-1] if query else None
        tokens = (product[-2], product[-1]) if product and len(product) > 1 else (None, None)
        yield Attention(scores, mixture, head, tokens)


def _scores(graph: Graph, softmax: Node) -> Node | None:
    waiting = [softmax.input(0)]
    while waiting:
        node = graph.producer(waiting.pop())
        if node is not None and node.op == "MatMul":
            return node
        if node is not None and node.op in BEFORE_SOFTMAX:
            waiting += reversed(node.inputs)
    return None


def _mixture(graph: Graph, softmax: Node) -> Node | None:
    waiting = [softmax]
    while waiting:
        for reader in graph.consumers(waiting.pop()):
            if reader.op == "MatMul":
                return reader
            if reader.op in BEHIND_SOFTMAX:
                waiting.append(reader)
    return None


def _integer(graph: Graph, target: Target) -> Iterator[Place]:
    for attention in attentions(graph):
        inputs = (*attention.scores.inputs, *attention.mixture.inputs)
        if any(dequantiser(graph, tensor) is not None for tensor in inputs):
            unmet = list(_unmet(graph, target, attention))
            if unmet:
                yield Place(attention.scores.name, "; ".join(unmet))


def _unmet(graph: Graph, target: Target, attention: Attention) -> Iterator[str]:
    if not target.fused_int8_attention:
        yield "no fused INT8 kernel here"
        return
    if attention.head not in INTEGER_HEADS:
        yield f"{attention.head} channels per head"
    if any(count is None or count > MOST_INTEGER_TOKENS for count in attention.tokens):
        yield f"{attention.tokens[0]} x {attention.tokens[1]} tokens"
    for node, what in ((attention.scores, "first"), (attention.mixture, "second")):
        if any(dequantiser(graph, tensor) is None for tensor in node.inputs):
            yield f"an input of the {what} product is not quantised"
    if not any(reader.op == QUANTISE for reader in graph.consumers(attention.mixture)):
        yield "no Q behind the second product"


def _half(graph: Graph, _: Target) -> Iterator[Place]:
    for attention in attentions(graph):
        head = attention.head
        if head is not None and (not 16 <= head <= 256 or head % 8):
            yield Place(attention.scores.name, f"{head} channels per head")


RULES = (
    Rule(
        name="quantised-attention",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_integer,
        reason="INT8 attention is fused only for 16, 32 or 64 channels per head, up to 512 queries "
        "and keys, with Q/DQ before the first product, behind the softmax and behind the second "
        "product, and never in 8.6; unfused it is slower than FP16.",
        remedy="Leave both products and the softmax in float; quantise the projections only.",
        source="TRT #2981, #3714, #3724, #4167, #3575",
    ),
    Rule(
        name="attention-head",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_half,
        reason="FP16 attention is fused for 16 to 256 channels per head, in multiples of 8.",
        remedy="Choose another number of heads when the network is designed.",
        source="TRT #2981",
    ),
)
