"""What the output of a foreign network holds: logits or probabilities."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sdk.errors import ModelFolderError
from sdk.tasks.segmentation import Values

MAKERS: dict[str, Values] = {"Sigmoid": "sigmoid", "HardSigmoid": "sigmoid", "Softmax": "softmax"}
"""Operator that makes probabilities -> what it makes."""
PASSING = {
    "Cast", "Clip", "Concat", "Gather", "Identity", "Reshape", "Resize", "Slice", "Split",
    "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators behind which probabilities are probabilities still."""
ROUNDED = 1e-3
"""By which a probability in halves may lie outside 0..1."""


def told_by(model: onnx.ModelProto, output: str) -> Values:
    """What the last operation before an output makes; logits, where it makes no probabilities."""
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in PASSING:
        node = makers.get(node.input[0])
    return MAKERS.get(node.op_type, "logits") if node is not None else "logits"


def check_values(
    values: Values, told: Values, found: list[NDArray[Any]], channels: int
) -> list[str]:
    """Remarks upon outputs that are valid but unlike what they are said to be.

    Args:
        values: what they are said to be.
        told: what the graph tells, see `told_by`.
        found: outputs for several images.
        channels: of an output.

    Raises:
        ModelFolderError: they cannot be that.
    """
    low, high = _extremes(found)
    if values == "softmax" and channels == 1:
        raise ModelFolderError(
            "a softmax over one channel is 1 everywhere; import it with --values sigmoid, or with "
            "--values logits where no sigmoid ends it"
        )
    if values != "logits" and not _probable(low, high):
        raise ModelFolderError(
            f"the output holds values from {low:.3g} to {high:.3g}, which are no probabilities of "
            f"a {values}; import it with --values logits"
        )
    if values == "logits" and told != "logits":
        raise ModelFolderError(
            f"the output is that of a {told}, probabilities and no logits; import it with --values "
            f"{told}, or leave --values out"
        )
    return _remarks(values, told, found)


def _remarks(values: Values, told: Values, found: list[NDArray[Any]]) -> list[str]:
    low, high = _extremes(found)
    remarks = []
    if told not in ("logits", values):
        remarks.append(
            f"the output is that of a {told} and said to be that of a {values}; its probabilities "
            "are read as they are"
        )
    if all(np.ptp(output) == 0 for output in found):
        remarks.append(f"the output is {low:.3g} everywhere, whatever the image holds")
    elif values == "logits" and _probable(low, high):
        remarks.append(
            f"the output lies in 0..1 ({low:.3g} to {high:.3g}) and is read as logits; if it holds "
            "probabilities, import it with --values sigmoid"
        )
    return remarks


def _extremes(found: list[NDArray[Any]]) -> tuple[float, float]:
    return min(float(x.min()) for x in found), max(float(x.max()) for x in found)


def _probable(low: float, high: float) -> bool:
    return low >= -ROUNDED and high <= 1 + ROUNDED
