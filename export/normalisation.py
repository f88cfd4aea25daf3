"""Lets a graph normalise its channels itself, as networks trained on photographs want it."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from export.foreign import dtype, only_input, shape
from sdk.errors import ModelFolderError
from sdk.tasks.segmentation import Layout

NORMALISED = "angioedge/normalised"


def normalise_channels(
    model: onnx.ModelProto,
    layout: Layout,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> None:
    """Puts (image - mean) / std before everything that reads the image, in place.

    Args:
        model: with a fixed shape of its input.
        layout: order of its axes.
        mean: one for all channels or one each; None: 0.
        std: the same; None: 1.

    Raises:
        ModelFolderError: another number of them, or a standard deviation that is not positive.
    """
    if mean is None and std is None:
        return
    image = only_input(model)
    channels = shape(image)[layout.index("C")]
    shift = _per_channel("--mean", mean or (0.0,), channels)
    scale = _per_channel("--std", std or (1.0,), channels)
    if not (scale > 0).all():
        raise ModelFolderError(f"--std takes positive numbers, got {scale.tolist()}")
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == image.name:
                node.input[place] = NORMALISED
    spread = (1, channels, 1, 1) if layout == "NCHW" else (1, 1, 1, channels)
    steps = (("Sub", image.name, shift, f"{NORMALISED}/centred"),
             ("Div", f"{NORMALISED}/centred", scale, NORMALISED))  # fmt: skip
    nodes = []
    for op, source, numbers, made in steps:
        constant = numbers.reshape(spread).astype(dtype(image))
        model.graph.initializer.append(numpy_helper.from_array(constant, f"{made}/{op}"))
        nodes.append(helper.make_node(op, [source, f"{made}/{op}"], [made], name=made))
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])


def _per_channel(option: str, numbers: Sequence[float], channels: int) -> np.ndarray:
    if len(numbers) not in {1, channels} or not np.isfinite(numbers).all():
        raise ModelFolderError(
            f"{option} takes one finite number, or one for each of the {channels} channels of the "
            f"input, got {list(numbers)}"
        )
    return np.broadcast_to(np.asarray(numbers, np.float64), (channels,))
