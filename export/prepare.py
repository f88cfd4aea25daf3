"""Brings a foreign graph into the form that calibration and devices read; it computes the same."""

from collections.abc import Sequence
from typing import Any

from onnx import ModelProto, helper

from calibration.graph import Graph
from calibration.quantisable import OPSETS
from export.affine import fold_affine
from export.branches import merge_branches
from export.concatenations import split_concatenations
from export.constants import drop_unused, fold_constants
from export.group_norm import split_group_norms
from export.opset import lowered
from export.widen import widen

IR_VERSION = 9
"""The newest version of the file format that TensorRT 8.6 reads."""

FIRST_WITH_WEIGHTS_APART = 4
"""The version of the file format from which weights need not be inputs."""


def prepare(model: ModelProto, outputs: Sequence[str]) -> tuple[ModelProto, dict[str, Any]]:
    """The graph with these outputs alone, its constants computed, its scales and shifts folded.

    A network of halves becomes one of FP32, and its opset one that is calibrated, where the
    converter of ONNX can do it. Returns it with what was done; the reason, where the opset could
    not be changed.
    """
    graph = Graph(model)  # functions are laid flat
    prepared = ModelProto()
    prepared.CopyFrom(graph.model)
    _take_alone(prepared)
    kept = [item for item in prepared.graph.output if item.name in outputs]
    said: dict[str, Any] = {"outputs_left_out": len(prepared.graph.output) - len(kept)}
    _replace(prepared, "output", kept)
    del prepared.graph.value_info[:]
    drop_unused(prepared)
    if widen(prepared):
        said["widened"] = True
    if graph.opset not in OPSETS:
        split_group_norms(prepared)
    said["operations_computed"] = fold_constants(prepared)
    said["operations_folded"] = fold_affine(prepared)
    if merged := merge_branches(prepared):
        said["branches_merged"] = merged
        said["operations_folded"] += fold_affine(prepared)
    said["concatenations_split"] = split_concatenations(prepared)
    prepared, told = _with_opset(prepared, graph.opset)
    if helper.find_min_ir_version_for(prepared.opset_import, ignore_unknown=True) <= IR_VERSION:
        prepared.ir_version = min(prepared.ir_version, IR_VERSION)
    _show_shapes(prepared)
    return prepared, said | told


def _take_alone(model: ModelProto) -> None:
    """Leaves the weights out of the inputs, where old exporters list them; one may go later."""
    weights = {item.name for item in model.graph.initializer}
    _replace(model, "input", [item for item in model.graph.input if item.name not in weights])
    model.ir_version = max(model.ir_version, FIRST_WITH_WEIGHTS_APART)


def _with_opset(model: ModelProto, opset: int) -> tuple[ModelProto, dict[str, Any]]:
    if opset in OPSETS:
        return model, {}
    try:
        converted = lowered(model)
    except Exception as error:  # noqa: BLE001  the converter raises what its C++ throws
        return model, {"opset_left": f"{opset}: {_reason(error)}"}
    fold_constants(converted)
    return converted, {"opset_before": opset}


def _reason(error: Exception) -> str:
    """What the converter says, without the place in its source."""
    return " ".join(str(error).split()).rpartition(" failed: ")[2]


def _show_shapes(model: ModelProto) -> None:
    """Writes the inferred shape of every output into the file."""
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = Graph(model)
    for output in model.graph.output:
        shape = graph.shape(output.name)
        for extent in shape or ():
            output.type.tensor_type.shape.dim.add().dim_value = extent or 0


def _replace(model: ModelProto, field: str, items: Sequence[Any]) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    model.graph.ClearField(field)
    getattr(model.graph, field).extend(copies)
