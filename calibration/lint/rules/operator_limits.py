"""Known operators in forms that TensorRT does not take, or takes badly."""

from collections.abc import Iterator
from math import prod

from calibration.graph import Graph
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, on_tensorrt

POOLS = ("AveragePool", "LpPool", "MaxPool")
MOST_ELEMENTS = 2**31 - 1


def _resize_mode(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Resize"):
        mode = node.attributes.get("mode", "nearest")
        if mode not in {"nearest", "linear"}:
            yield Place(node.name, f"mode {mode}")
        if node.attributes.get("antialias", 0):
            yield Place(node.name, "antialias")


def _computed_resize(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Resize"):
        for index, what in ((2, "scales"), (3, "sizes")):
            if node.input(index) and graph.constant(node.input(index)) is None:
                yield Place(node.name, f"computed {what}")


def _grid_sample(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("GridSample"):
        rank = len(graph.shape(node.input(0)) or (0,) * 4)
        if rank != 4:
            yield Place(node.name, f"{rank} axes, expected 4")


def _statistics(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("LayerNormalization"):
        if node.has_output(1) or node.has_output(2):
            yield Place(node.name, "gives mean or deviation too")


def _pools(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named(*POOLS):
        rank = len(graph.shape(node.input(0)) or (0,) * 4)
        if rank not in {4, 5}:
            yield Place(node.name, f"{node.op} of {rank} axes, expected 4 or 5")
        if any(step != 1 for step in node.attributes.get("dilations", ())):
            yield Place(node.name, f"{node.op} with dilations {node.attributes['dilations']}")


def _indices(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("MaxPool"):
        if node.has_output(1):
            yield Place(node.name, "gives indices too")


def _too_large(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("Conv", "ConvTranspose"):
        for tensor in (node.input(0), node.outputs[0]):
            count = prod(extent or 1 for extent in graph.shape(tensor) or ())
            if count > MOST_ELEMENTS:
                yield Place(node.name, f"{tensor} has {count} elements")


def _output_padding(graph: Graph, _: Target) -> Iterator[Place]:
    for node in graph.named("ConvTranspose"):
        if any(node.attributes.get("output_padding", ())):
            yield Place(node.name, "output padding")


OPERATORS = "onnx-tensorrt docs/operators.md"
RULES = (
    Rule(
        name="resize-mode",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_resize_mode,
        reason="Resize is nearest or linear there; neither cubic nor antialiased.",
        remedy="Use linear in training and export, or resize before the graph.",
        source=OPERATORS,
    ),
    Rule(
        name="resize-of-computed-size",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_computed_resize,
        reason="A size computed inside the graph brings chains of Shape, Mul and Concat, and keeps "
        "the builder from fixing the shape.",
        remedy="Export with a fixed scale factor or size.",
        source="tried with torch.onnx of torch 2.13",
    ),
    Rule(
        name="grid-sample-of-volumes",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_grid_sample,
        reason="GridSample takes 4 axes only.",
        remedy="Sample slice by slice, or outside the graph.",
        source=OPERATORS,
    ),
    Rule(
        name="layer-norm-statistics",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_statistics,
        reason="Of LayerNormalization only the first output is known.",
        remedy="Drop the outputs for mean and deviation; they serve training.",
        source=OPERATORS,
    ),
    Rule(
        name="pool-form",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_pools,
        reason="Pools have 2 or 3 spatial axes and no dilation.",
        remedy="Reshape to 2-D, or replace a dilated pool by a convolution or a chain of pools.",
        source=OPERATORS,
    ),
    Rule(
        name="max-pool-indices",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_indices,
        reason="MaxPool gives no indices there.",
        remedy="Export with return_indices=False and unpool by interpolation.",
        source=OPERATORS,
    ),
    Rule(
        name="tensor-too-large",
        severity=Severity.ERROR,
        applies=on_tensorrt,
        find=_too_large,
        reason="Tensors of a convolution hold at most 2^31 - 1 elements.",
        remedy="Cut the volume into tiles.",
        source="TRT #4123",
    ),
    Rule(
        name="output-padding",
        severity=Severity.WARNING,
        applies=on_tensorrt,
        find=_output_padding,
        reason="A transposed convolution with output padding is run without its bias, padded and "
        "added to: nothing fuses.",
        remedy="Design with kernel = stride and no padding.",
        source=OPERATORS,
    ),
)
