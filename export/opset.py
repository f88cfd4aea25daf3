"""Brings a graph to the newest opset that is calibrated, by the converter of ONNX and around it.

The converter (ONNX 1.23) knows no way back for Gelu and Pad, which exporters write, and leaves an
attribute of reductions behind that older ones do not have.
"""

from onnx import ModelProto, NodeProto, checker, version_converter

from calibration.quantisable import OPSETS
from export.gelu import split_gelu

ASIDE = "angioedge.as.it.is"
"""A domain that the converter does not look into."""
NO_AXES = "noop_with_empty_axes"
AXES_OF_PAD = 3
"""Place of the input that Pad has from opset 18 on."""


def lowered(model: ModelProto) -> ModelProto:
    """The same graph in the newest opset of `calibration.quantisable.OPSETS`.

    Raises:
        Exception: the converter cannot do it, or what it made is no valid graph; it has no base
            class for its errors.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    split_gelu(copy)
    aside = [node for node in copy.graph.node if _as_before(node)]
    for node in copy.graph.node:
        _drop_default(node)
    if aside:
        copy.opset_import.add(domain=ASIDE, version=1)
    for node in aside:
        node.domain = ASIDE
        del node.input[AXES_OF_PAD:]
    converted = version_converter.convert_version(copy, OPSETS[-1])
    for node in converted.graph.node:
        node.domain = "" if node.domain == ASIDE else node.domain
    kept = [item for item in converted.opset_import if item.domain != ASIDE]
    del converted.opset_import[:]
    converted.opset_import.extend(kept)
    checker.check_model(converted, full_check=True)
    return converted


def _as_before(node: NodeProto) -> bool:
    """Whether a Pad says nothing that it could not say in opset 13."""
    modes = {item.s for item in node.attribute if item.name == "mode"}
    axes = list(node.input[AXES_OF_PAD:])
    return node.op_type == "Pad" and not any(axes) and b"wrap" not in modes


def _drop_default(node: NodeProto) -> None:
    """Removes the attribute that reductions got in opset 18, where it asks for nothing."""
    if node.op_type.startswith("Reduce"):
        kept = [item for item in node.attribute if item.name != NO_AXES or item.i]
        del node.attribute[:]
        node.attribute.extend(kept)
