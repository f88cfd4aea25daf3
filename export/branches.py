"""Adds up parallel branches that one convolution computes: networks trained in several branches.

RepVGG (arXiv 2101.03697), MobileOne and their like are meant to be exported so. Convolutions of one
tensor whose results are added are one convolution with the sum of their weights, smaller kernels
in the middle of larger ones; a BatchNormalization of that tensor is one of a single value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from calibration.graph import Graph, Node
from export.affine import norm_of
from export.constants import drop_unused

Array = NDArray[np.float64]
SAME = ("group", "strides", "dilations")
"""Attributes in which convolutions agree that become one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Branch:
    """A convolution with odd kernels that keeps the middle where it is."""

    node: Node
    weight: Array
    bias: Array

    @property
    def form(self) -> list[list[int]]:
        """What it is besides its numbers and the extents of its kernel."""
        rank = self.weight.ndim - 2
        defaults = ([1], [1] * rank, [1] * rank)
        asked = self.node.attributes
        found = [
            np.atleast_1d(asked.get(name, usual)).tolist()
            for name, usual in zip(SAME, defaults, strict=True)
        ]
        return [*found, list(self.weight.shape[:2])]


def merge_branches(model: ModelProto) -> int:
    """Makes one convolution of every two that are added; returns how many branches went."""
    total = 0
    while _merge_once(model):
        total += 1
    return total


def _merge_once(model: ModelProto) -> bool:
    graph = Graph(model)
    for node in graph.nodes[: len(model.graph.node)]:
        makers = _makers(graph, node)
        branches = [found for maker in makers if (found := _branch(graph, maker))]
        if len(branches) == 2 and branches[0].form == branches[1].form:
            _write(model, node, branches[0], branches[1])
        elif len(branches) == 1 and (norm := _identity(graph, makers, branches[0])):
            _write(model, node, branches[0], norm)
        else:
            continue
        drop_unused(model)
        return True
    return False


def _makers(graph: Graph, node: Node) -> list[Node]:
    """The two nodes whose results an addition alone reads, where both read the same tensor."""
    if node.op != "Add" or node.domain:
        return []
    makers = [graph.producer(name) for name in dict.fromkeys(node.inputs)]
    found = [
        maker
        for maker in makers
        if maker is not None
        and len(graph.readers(maker.outputs[0])) == 1
        and maker.outputs[0] not in graph.outputs
        and not maker.domain
    ]
    alike = len(found) == 2 and found[0].inputs[:1] == found[1].inputs[:1]
    return found if alike else []


def _branch(graph: Graph, node: Node) -> _Branch | None:
    weight = graph.constant(node.inputs[1]) if node.op == "Conv" else None
    bias = graph.constant(node.inputs[2]) if node.input(2) else None
    if weight is None or weight.dtype != np.float32 or (node.input(2) and bias is None):
        return None
    asked, kernel = node.attributes, weight.shape[2:]
    spread = asked.get("dilations", [1] * len(kernel))
    around = [step * (extent - 1) // 2 for step, extent in zip(spread, kernel, strict=True)]
    given = asked.get("auto_pad", "NOTSET") == "NOTSET"
    if not given or any(extent % 2 == 0 for extent in kernel):
        return None
    if list(asked.get("pads", [0] * 2 * len(kernel))) != around * 2:
        return None
    shift = np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
    return _Branch(node=node, weight=weight.astype(np.float64), bias=shift)


def _identity(graph: Graph, makers: list[Node], beside: _Branch) -> _Branch | None:
    """A BatchNormalization as a convolution of single values, in the groups of the other."""
    norm = next((node for node in makers if node is not beside.node), None)
    found = norm_of(graph, norm) if norm and norm.op == "BatchNormalization" else None
    channels, inside = beside.weight.shape[:2]
    (groups,), strides = beside.form[:2]
    whole = channels == inside * groups and set(strides) == {1}
    if found is None or not whole or len(found.scale) != channels:
        return None
    weight = np.zeros((channels, inside, *[1] * (beside.weight.ndim - 2)))
    places = np.arange(channels)
    weight[places, places % inside] = found.scale.reshape(-1, *[1] * (weight.ndim - 2))
    return _Branch(node=beside.node, weight=weight, bias=found.shift)


def _write(model: ModelProto, addition: Node, first: _Branch, second: _Branch) -> None:
    """The convolution in the place of the addition, so that all it reads is computed before."""
    kernels = [branch.weight.shape[2:] for branch in (first, second)]
    kernel = tuple(np.max(kernels, axis=0).tolist())
    weight = sum(_centred(branch.weight, kernel) for branch in (first, second))
    name = addition.outputs[0]
    made = {f"{name}/merged_weight": weight, f"{name}/merged_bias": first.bias + second.bias}
    for title, values in made.items():
        stored = numpy_helper.from_array(np.asarray(values).astype(np.float32), title)
        model.graph.initializer.append(stored)
    spread = first.form[2]
    around = [step * (extent - 1) // 2 for step, extent in zip(spread, kernel, strict=True)]
    asked = {**first.node.attributes, "kernel_shape": list(kernel), "pads": around * 2}
    merged = helper.make_node("Conv", [first.node.inputs[0], *made], [name], name, **asked)
    model.graph.node[addition.index].CopyFrom(merged)


def _centred(weight: Array, kernel: tuple[int, ...]) -> Array:
    room = [(0, 0), (0, 0)]
    room += [((k - n) // 2,) * 2 for k, n in zip(kernel, weight.shape[2:], strict=True)]
    return np.pad(weight, room)
