"""What the file says about itself: opset, version, types, shapes, where its weights lie."""

from collections.abc import Iterator

from calibration.graph import Graph
from calibration.lint.rule import Place, Rule, Severity
from calibration.lint.targets import Target, every_target, on_tensorrt


def _opset(graph: Graph, target: Target) -> Iterator[Place]:
    accepted = target.opsets
    if accepted is not None and graph.opset not in accepted:
        yield Place("graph", f"opset {graph.opset}, expected {accepted[0]} to {accepted[-1]}")


def _ir_version(graph: Graph, target: Target) -> Iterator[Place]:
    if target.newest_ir is not None and graph.ir_version > target.newest_ir:
        yield Place("graph", f"IR version {graph.ir_version}, expected up to {target.newest_ir}")


def _bfloat16(graph: Graph, _: Target) -> Iterator[Place]:
    outputs = (name for node in graph.nodes for name in node.outputs)
    for tensor in (*graph.inputs, *graph.initialisers, *outputs):
        if graph.dtype(tensor) == "BFLOAT16":
            yield Place(tensor, "BFLOAT16")


def _int64_outside(graph: Graph, _: Target) -> Iterator[Place]:
    for tensor in (*graph.inputs, *graph.outputs):
        if graph.dtype(tensor) == "INT64":
            yield Place(tensor, "INT64")


def _open_shapes(graph: Graph, _: Target) -> Iterator[Place]:
    for tensor in (*graph.inputs, *graph.outputs):
        shape = graph.shape(tensor)
        if shape is None or None in shape:
            extents = "?" if shape is None else " x ".join(str(n or "?") for n in shape)
            yield Place(tensor, f"shape {extents}")


def _external_weights(graph: Graph, _: Target) -> Iterator[Place]:
    for name in graph.initialisers:
        if graph.is_external(name):
            yield Place(name, "stored in another file")


RULES = (
    Rule(
        name="opset-out-of-range",
        severity=Severity.ERROR,
        applies=lambda target: target.opsets is not None,
        find=_opset,
        reason="The parser takes no other opset. An exporter that was asked for 17 may have given "
        "18 in silence.",
        remedy="Export again with an opset of that range, and compare what was produced.",
        source="onnx-tensorrt docs/operators.md of each release; pytorch PR #161056",
    ),
    Rule(
        name="newer-ir-version",
        severity=Severity.NOTE,
        applies=lambda target: target.newest_ir is not None,
        find=_ir_version,
        reason="Packages of the target's age (onnx 1.12 to 1.14) read no newer file version.",
        remedy="Set model.ir_version to 8 and save again; the opset does not change.",
        source="ONNX versioning; onnx 1.12 to 1.14",
    ),
    Rule(
        name="bfloat16-tensor",
        severity=Severity.ERROR,
        applies=lambda target: target.types is not None and "BFLOAT16" not in target.types,
        find=_bfloat16,
        reason="The library has no such type.",
        remedy="Export in FLOAT or FLOAT16.",
        source="tensorrt.DataType of the 8.6.1 bindings",
    ),
    Rule(
        name="int64-input-or-output",
        severity=Severity.WARNING,
        applies=lambda target: target.types is not None and "INT64" not in target.types,
        find=_int64_outside,
        reason="The library has no tensors of INT64, so the engine's input or output cannot be "
        "what the graph says.",
        remedy="Give the graph INT32 inputs and outputs.",
        source="tensorrt.DataType of the 8.6.1 bindings",
    ),
    Rule(
        name="open-shape",
        severity=Severity.WARNING,
        applies=every_target,
        find=_open_shapes,
        reason="Tensors are made once and fixed for a session. TensorRT needs a profile for every "
        "open extent, and DLA takes none.",
        remedy="Fix every extent before quantising: angioedge import --size does, or the exporter.",
        source="TensorRT optimisation profiles; ultralytics #15856, #20989",
    ),
    Rule(
        name="external-weights",
        severity=Severity.NOTE,
        applies=on_tensorrt,
        find=_external_weights,
        reason="A parser that is given the bytes of the graph cannot find weights in other files.",
        remedy="Parse from the file's path, and keep, move and hash the files together.",
        source="OnnxParser.parse_from_file; ONNX external data",
    ),
)
