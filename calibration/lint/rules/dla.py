"""What keeps a graph off the DLA, where a target has one."""

from collections.abc import Iterator

from calibration.graph import Graph
from calibration.lint.quantisation import DEQUANTISE, QUANTISE
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target

MOST_BATCH, MOST_EXTENT = 4096, 8192
COMMONLY_LEFT = (
    *("ConvTranspose", "GroupNormalization", "InstanceNormalization", "LayerNormalization"),
    *("MatMul", "Softmax"),
)


def _volumes(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Conv", "ConvTranspose", "AveragePool", "MaxPool"):
        if len(graph.shape(node.input(0)) or ()) == 5:
            yield Place(node.name, f"{node.op} of a volume")


def _extents(graph: Graph, _: Target) -> Iterator[Place]:
    for tensor in (*graph.inputs, *graph.outputs):
        extents = [extent or 0 for extent in graph.shape(tensor) or ()]
        if extents and (extents[0] > MOST_BATCH or max(extents[1:], default=0) > MOST_EXTENT):
            yield Place(tensor, " x ".join(map(str, extents)))


def _pairs(graph: Graph, _: Target) -> Iterator[Place]:
    if next(graph.named(QUANTISE, DEQUANTISE), None) is not None:
        yield Place("graph", "holds Q/DQ")


def _left_to_the_gpu(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*COMMONLY_LEFT):
        yield Place(node.name, node.op)


RULES = (
    Rule(
        name="dla-volume",
        severity=Severity.NOTE,
        applies=lambda target: target.dla,
        find=_volumes,
        reason="The DLA is 2-D only.",
        remedy="Build for the GPU.",
        source="TensorRT documentation, DLA",
    ),
    Rule(
        name="dla-extent",
        severity=Severity.NOTE,
        applies=lambda target: target.dla,
        find=_extents,
        reason=f"The DLA takes a batch up to {MOST_BATCH} and extents up to {MOST_EXTENT}.",
        remedy="Build for the GPU, or cut the input into tiles.",
        source="TensorRT documentation, DLA",
    ),
    Rule(
        name="dla-quantised",
        severity=Severity.NOTE,
        applies=lambda target: target.dla and not target.dla_takes_qdq,
        find=_pairs,
        reason="Before TensorRT 11.4 the DLA reads INT8 from a calibration cache, not from Q/DQ.",
        remedy="For the DLA give the float graph and a calibration cache.",
        source="TRT #2222",
    ),
    Rule(
        name="dla-fallback",
        severity=Severity.NOTE,
        applies=lambda target: target.dla,
        find=_left_to_the_gpu,
        reason="The DLA commonly hands transposed convolutions, attention and norms to the GPU.",
        remedy="Set GPU_FALLBACK, or build for the GPU.",
        source="TRT #3365",
    ),
)
