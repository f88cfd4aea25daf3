"""Golden vectors of a network without data: seeded images, and what comes out of them."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sdk.backends import Backend, open_backend
from sdk.errors import ModelFolderError
from sdk.golden import GoldenPair
from sdk.tasks.segmentation import Segmentation

GRAPH = "graph.fp32.onnx"
GRAINS = (1, 4, 16, 64)
"""Pixels of the squares in seeded images."""
CLIPPED = 0.2
"""Part of the range beyond each of its ends from which values are drawn, and clipped."""
KEPT = 2
"""Seeded images that become golden vectors."""
SAME = 1e-4
"""Largest accepted difference between a network as given and prepared; see `difference`."""
SAME_OF_HALVES = 1e-2
"""The same where the network as given computes in halves."""


def record_golden(content: bytes, task: Segmentation) -> list[GoldenPair]:
    """Of seeded images of several grains, the two whose outputs vary most: a flat one tests little.

    What came out is of this machine.
    """
    images = [_seeded_image(task, grain) for grain in GRAINS]
    pairs = zip(images, _answers(content, task, images), strict=True)
    varied = sorted(pairs, key=lambda pair: -float(np.ptp(pair[1])))
    return [({task.input_name: x}, {task.output_name: y}) for x, y in varied[:KEPT]]


def _seeded_image(task: Segmentation, grain: int) -> NDArray[Any]:
    """Squares of `grain` pixels with random values, alike in every channel.

    Some hold the very ends of the range, as frames do where they are clipped or padded.
    """
    rows, columns = task.frame_size
    generator = np.random.default_rng(grain)
    low, high = sorted((task.low, task.high))
    beyond = CLIPPED * (high - low)
    squares = (-(-rows // grain), -(-columns // grain))
    coarse = np.clip(generator.uniform(low - beyond, high + beyond, squares), low, high)
    plane = np.repeat(np.repeat(coarse, grain, axis=0), grain, axis=1)[:rows, :columns]
    axis = 1 if task.layout == "NCHW" else 3
    image = np.broadcast_to(np.expand_dims(plane, (0, axis)), task.input_shape)
    return np.ascontiguousarray(image, task.input_dtype)


def _answers(content: bytes, task: Segmentation, images: list[NDArray[Any]]) -> list[NDArray[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        graph.write_bytes(content)
        with closing(open_backend(graph)) as backend:
            return [_answer(backend, task, image) for image in images]


def _answer(backend: Backend, task: Segmentation, image: NDArray[Any]) -> NDArray[Any]:
    np.copyto(backend.inputs[task.input_name], image)
    backend.run()
    output: NDArray[Any] = backend.outputs[task.output_name].copy()
    if not np.isfinite(output).all():
        raise ModelFolderError(
            f"the network gives NaN or infinity for values in {task.low:g}..{task.high:g}; check "
            "--low and --high against what it was trained with"
        )
    return output


def difference(
    given: onnx.ModelProto,
    model: onnx.ModelProto,
    task: Segmentation,
    pairs: list[GoldenPair],
    *,
    widened: bool = False,
) -> float:
    """Largest difference between the graph as given and what it was made into.

    Relative to the range of its output, of 1 at least: a probability or a logit that moves by less
    than `SAME` moves no mask, and libraries differ by as much. Halves are rounded at every step:
    what was made of them may differ by `SAME_OF_HALVES`.
    """
    accepted = SAME_OF_HALVES if widened else SAME
    _give_alone(given, model.graph.output)
    images = [inputs[task.input_name] for inputs, _ in pairs]
    exact = _answers(given.SerializeToString(), task, images)
    found = max(
        _apart(expected.astype(np.float64), outputs[task.output_name])
        for expected, (_, outputs) in zip(exact, pairs, strict=True)
    )
    if found > accepted:
        raise ModelFolderError(
            f"the prepared network answers differently, by {found:.2g} of its range, "
            f"expected at most {accepted:g}; import it with --as-it-is, and please report it"
        )
    return round(found, 9)


def _give_alone(model: onnx.ModelProto, outputs: Sequence[onnx.ValueInfoProto]) -> None:
    """Leaves these outputs, with the shapes that are known by now."""
    shapes = {item.name: item.type.tensor_type.shape for item in outputs}
    kept = [item for item in model.graph.output if item.name in shapes]
    copies = [onnx.ValueInfoProto.FromString(item.SerializeToString()) for item in kept]
    for item in copies:
        item.type.tensor_type.shape.CopyFrom(shapes[item.name])
    model.graph.ClearField("output")
    model.graph.output.extend(copies)


def _apart(expected: NDArray[np.float64], got: NDArray[Any]) -> float:
    return float(np.abs(got - expected).max() / max(1.0, np.ptp(expected)))
