"""Histograms of a graph's activations over representative frames, in memory that does not grow."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Protocol

import onnx
from onnx import ModelProto, TensorProto, helper

from calibration.errors import CalibrationError
from calibration.histogram import Histogram
from calibration.progress import Track, silent
from calibration.quantisable import Quantisable
from calibration.shelf import keep, restore
from sdk.backends import Backend, open_backend
from sdk.tensors import Tensors

FLOAT_BYTES = 4


class Feed(Protocol):
    """Representative frames in a fixed order."""

    def __len__(self) -> int: ...

    def fill(self, index: int, inputs: Tensors) -> str:
        """Fills the inputs of the graph with one frame and returns what to call it."""


@dataclass(frozen=True, kw_only=True)
class CollectOptions:
    """How histograms are collected."""

    bins: int = 2048
    """Of every histogram."""
    group_bytes: int = 192 << 20
    """Activations looked at in one run of the graph; more groups, less memory, more runs."""
    threads: int | None = None
    """Threads inside one operator; None: every core."""
    shelf: Path | None = None
    """Folder that keeps the histograms of every finished group, for a run after this one."""


def collect(
    graph: Quantisable,
    tensors: Sequence[str],
    feed: Feed,
    options: CollectOptions | None = None,
    track: Track = silent,
) -> dict[str, Histogram]:
    """Runs every frame twice per group of tensors: once for the extremes, once to count.

    Groups that lie on the shelf are taken from there; whoever gives a shelf vouches for the frames.

    Raises:
        CalibrationError: an activation is NaN or infinite, or has no static shape.
    """
    options = options or CollectOptions()
    histograms: dict[str, Histogram] = {}
    groups = _grouped(graph, tensors, options.group_bytes)
    for number, group in enumerate(groups, start=1):
        found = {name: Histogram(tensor=name, bins=options.bins) for name in group}
        histograms |= found
        if options.shelf and restore(options.shelf, graph, found):
            continue
        with closing(_Probe(graph, group, options.threads)) as probe:
            title = f"ranges {number}/{len(groups)}"
            for index in track(range(len(feed)), f"{title}, extremes"):
                frame = probe.run(feed, index)
                for name, histogram in found.items():
                    histogram.widen(probe.tensors[name], frame)
            for index in track(range(len(feed)), f"{title}, histograms"):
                probe.run(feed, index)
                for name, histogram in found.items():
                    histogram.count(probe.tensors[name])
        if options.shelf:
            keep(options.shelf, graph, found)
    return histograms


def largest_magnitudes(
    graph: Quantisable, feed: Feed, options: CollectOptions | None = None, track: Track = silent
) -> dict[str, float]:
    """Largest magnitude of every float activation whose shape is known; one pass per group.

    Raises:
        CalibrationError: an activation is NaN or infinite.
    """
    options = options or CollectOptions()
    found: dict[str, Histogram] = {}
    groups = _grouped(graph, [n for n in graph.order() if n in graph.shapes], options.group_bytes)
    for number, group in enumerate(groups, start=1):
        found |= {name: Histogram(tensor=name, bins=1) for name in group}
        with closing(_Probe(graph, group, options.threads)) as probe:
            for index in track(range(len(feed)), f"magnitudes {number}/{len(groups)}"):
                frame = probe.run(feed, index)
                for name in group:
                    found[name].widen(probe.tensors[name], frame)
    return {name: histogram.largest for name, histogram in found.items()}


class _Probe:
    """The part of a graph that computes a group of tensors, run where they can be seen."""

    def __init__(self, graph: Quantisable, group: Sequence[str], threads: int | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "probe.onnx"
            onnx.save(_cut(graph, group), path)
            self._backend: Backend = open_backend(path, threads=threads)
        self.tensors: Tensors = {**self._backend.inputs, **self._backend.outputs}

    def close(self) -> None:
        self._backend.close()

    def run(self, feed: Feed, index: int) -> str:
        frame = feed.fill(index, self._backend.inputs)
        self._backend.run()
        return frame


def _grouped(graph: Quantisable, tensors: Sequence[str], most_bytes: int) -> list[list[str]]:
    groups: list[list[str]] = []
    room = 0
    for name in tensors:
        if name not in graph.shapes:
            raise CalibrationError(
                f"tensor {name} has a dynamic shape; export the network with fixed sizes"
            )
        needed = FLOAT_BYTES * prod(graph.shapes[name])
        if not groups or needed > room:
            groups.append([])
            room = most_bytes
        groups[-1].append(name)
        room -= needed
    return groups


def _cut(graph: Quantisable, group: Sequence[str]) -> ModelProto:
    """The graph with a group of tensors as its outputs, and nothing that they do not need."""
    needed, nodes = set(group), []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            nodes.append(graph.model.graph.node[node.index])
            needed |= set(node.inputs)
            needed |= _captured(graph.model.graph.node[node.index])
    source = graph.model.graph
    model = ModelProto(ir_version=graph.model.ir_version, opset_import=graph.model.opset_import)
    model.functions.extend(graph.model.functions)
    model.graph.name = source.name
    model.graph.node.extend(reversed(nodes))
    model.graph.input.extend(source.input)
    model.graph.initializer.extend(item for item in source.initializer if item.name in needed)
    for name in group:
        shown = name
        if name in graph.inputs:  # an input cannot be an output too
            shown = f"{name}/seen"
            model.graph.node.append(helper.make_node("Identity", [name], [shown]))
        model.graph.output.append(
            helper.make_tensor_value_info(shown, TensorProto.FLOAT, graph.shapes[name])
        )
    return model


def _captured(node: onnx.NodeProto) -> set[str]:
    """Names that the branches of an If or Loop read from outside."""
    branches = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    inner = [item for branch in branches for item in branch.node]
    names = {name for item in inner for name in item.input}
    return names.union(*map(_captured, inner))
