"""Cross-layer equalisation: channels of one quantised tensor get ranges of one size.

One scale serves all channels of a tensor. Where a convolution feeds another through operations
that commute with positive factors, a factor per channel moves from the second's weights into the
first's, and the float network computes the same numbers (Nagel et al., ICCV 2019, section 4.1).
Weights have a scale per output channel here, so that the range of the tensor itself is weighed
against the weights that read it (Xiao et al., SmoothQuant, ICML 2023, equation 4).
"""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from calibration.collect import Feed
from calibration.graph import Node
from calibration.placement import Placement
from calibration.progress import Track, silent
from calibration.quantisable import Quantisable
from sdk.backends import open_backend

COMMUTING = {"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool"}
"""Operations on each channel by itself, for which f(s x) = s f(x) where s > 0."""
LARGEST_RATIO = 2.0**16
"""A channel weaker than the strongest by more than this is dead, and is left as it is."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two convolutions that only see each other.

    Attributes:
        first: makes the tensor.
        second: reads it, with a weight per channel or per pair of channels.
        tensor: what the second reads; it carries a Q/DQ pair.
    """

    first: Node
    second: Node
    tensor: str


def pairs_of(graph: Quantisable, placement: Placement) -> list[Pair]:
    """The pairs of convolutions between which channels can be scaled, in graph order."""
    quantised, found = set(placement.cpu.pairs), []
    for first in graph.nodes:
        if first.op != "Conv" or not _owns_constants(graph, first):
            continue
        tensor, reader = first.outputs[0], graph.only_reader(first.outputs[0])
        while reader is not None and reader.op in COMMUTING and len(reader.outputs) == 1:
            tensor = reader.outputs[0]
            reader = graph.only_reader(tensor)
        if reader is not None and tensor in quantised and _scalable(graph, reader, tensor):
            found.append(Pair(first=first, second=reader, tensor=tensor))
    return found


def equalise(
    graph: Quantisable,
    placement: Placement,
    feed: Feed,
    threads: int | None = None,
    track: Track = silent,
) -> tuple[Quantisable, tuple[str, ...]]:
    """The same network with equalised channels, and the tensors whose channels were scaled.

    Factors are powers of two: the float network computes the very same numbers, bit by bit.
    One pass over the frames; memory O(channels).
    """
    pairs = pairs_of(graph, placement)
    if not pairs:
        return graph, ()
    largest = largest_per_channel(graph, [pair.tensor for pair in pairs], feed, threads, track)
    changed: dict[str, NDArray[np.float32]] = {}

    def scale(name: str, factors: NDArray[np.float32]) -> None:
        changed[name] = (changed[name] if name in changed else graph.values(name)) * factors

    scaled = []
    for pair in pairs:
        int8 = pair.second.index in placement.weights
        factors = _factors(graph, pair.second, largest[pair.tensor], int8=int8)
        if (factors == 1).all():
            continue
        scaled.append(pair.tensor)
        for name in pair.first.inputs[1:]:
            scale(
                name,
                np.reciprocal(factors).reshape(-1, *[1] * (len(graph.constants[name].dims) - 1)),
            )
        weight = pair.second.inputs[1]
        extents = graph.constants[weight].dims
        inner = 0 if _is_depthwise(graph, pair.second) else 1
        scale(weight, factors.reshape([-1 if axis == inner else 1 for axis in range(len(extents))]))
    return graph.with_values(changed), tuple(scaled)


def largest_per_channel(
    graph: Quantisable,
    tensors: Sequence[str],
    feed: Feed,
    threads: int | None = None,
    track: Track = silent,
) -> dict[str, NDArray[np.float32]]:
    """Tensor -> (channels,) largest magnitudes over all frames."""
    model = ModelProto()
    model.CopyFrom(graph.model)
    for name in tensors:
        shape = graph.shapes[name]
        axes = [axis for axis in range(len(shape)) if axis != 1]
        model.graph.node.extend([
            helper.make_node("Abs", [name], [f"{name}/magnitude"]),
            helper.make_node(
                "ReduceMax", [f"{name}/magnitude"], [f"{name}/largest"], axes=axes, keepdims=0
            ),
        ])  # fmt: skip
        model.graph.output.append(
            helper.make_tensor_value_info(f"{name}/largest", TensorProto.FLOAT, [shape[1]])
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "largest.onnx"
        onnx.save(model, path)
        backend = open_backend(path, threads=threads)
    found: dict[str, NDArray[np.float32]] = {}
    with closing(backend):
        for index in track(range(len(feed)), "ranges of channels"):
            feed.fill(index, backend.inputs)
            backend.run()
            for name in tensors:
                seen = backend.outputs[f"{name}/largest"]
                found[name] = np.maximum(found.get(name, 0), seen)
    return found


def _factors(
    graph: Quantisable, second: Node, largest: NDArray[np.float32], *, int8: bool
) -> NDArray[np.float32]:
    """(channels,) powers of two by which the tensor is divided."""
    wanted = largest.astype(np.float64)
    if int8 and not _is_depthwise(graph, second):
        weight = np.abs(graph.values(second.inputs[1]))
        columns = weight.max(axis=(0, *range(2, weight.ndim))).astype(np.float64)
        alive = (wanted > 0) & (columns > 0)
        wanted = np.sqrt(np.divide(wanted, columns, out=np.zeros_like(wanted), where=alive))
    alive = wanted * LARGEST_RATIO > wanted.max()
    if not alive.any():
        return np.ones(len(wanted), np.float32)
    powers = np.log2(wanted, out=np.zeros_like(wanted), where=alive)
    middle = np.median(powers[alive])
    factors: NDArray[np.float32] = np.exp2(np.rint(np.where(alive, powers - middle, 0)))
    return factors.astype(np.float32)


def _is_depthwise(graph: Quantisable, node: Node) -> bool:
    extents = graph.constants[node.inputs[1]].dims
    group: int = node.attributes.get("group", 1)
    return group > 1 and group == extents[0] and extents[1] == 1


def _owns_constants(graph: Quantisable, node: Node) -> bool:
    """Whether weight and bias are constants that no other operation reads."""
    return all(
        name in graph.constants and len(graph.readers(name)) == 1 and name not in graph.outputs
        for name in node.inputs[1:]
    )


def _scalable(graph: Quantisable, node: Node, tensor: str) -> bool:
    if node.op != "Conv" or node.inputs[0] != tensor or not _owns_constants(graph, node):
        return False
    return node.attributes.get("group", 1) == 1 or _is_depthwise(graph, node)
