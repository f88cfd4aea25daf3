"""Takes a concatenation apart that only a depthwise separable convolution reads.

A depthwise convolution keeps channels to themselves and a convolution over channels adds them up,
so each branch can be computed by itself and the sums added: nothing is copied, branches need not
share a scale in INT8, and one more channel leaves the others a number that vector registers divide.
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from calibration.graph import Graph, Node
from export.constants import drop_unused

ELEMENTWISE = {"Relu", "LeakyRelu"}
"""What may stand between the two convolutions."""


def split_concatenations(model: ModelProto) -> int:
    """Computes the branches of concatenations apart, exactly but for the order of the sums.

    Of those along the channels that a depthwise convolution alone reads, and behind it, or behind
    a ReLU behind it, a convolution over all channels. Returns how many concatenations went.
    """
    graph = Graph(model)
    outermost = graph.nodes[: len(model.graph.node)]
    candidates = (_split(graph, node) for node in outermost if node.op == "Concat")
    found = {split.over_channels.outputs[0]: split for split in candidates if split}
    nodes = list[NodeProto]()
    for node in model.graph.node:
        split = next((found[name] for name in node.output if name in found), None)
        nodes += _branches(model, graph, split) if split else [_copy(node)]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    drop_unused(model)
    return len(found)


@dataclass(frozen=True, kw_only=True)
class _Split:
    """A concatenation, what follows it, and where branches begin and end along the channels."""

    concat: Node
    depthwise: Node
    between: Node | None
    over_channels: Node
    edges: tuple[int, ...]


def _split(graph: Graph, concat: Node) -> _Split | None:
    shapes = [graph.shape(name) for name in concat.inputs]
    channels = [shape[1] or 0 if shape and len(shape) > 1 else 0 for shape in shapes]
    depthwise = _only_reader(graph, concat)
    if concat.domain or concat.attributes["axis"] != 1 or not all(channels) or depthwise is None:
        return None
    after = _only_reader(graph, depthwise)
    between = after if after and after.op in ELEMENTWISE and not after.domain else None
    over_channels = _only_reader(graph, between) if between else after
    if over_channels is None or not _separable(graph, depthwise, over_channels, sum(channels)):
        return None
    return _Split(
        concat=concat,
        depthwise=depthwise,
        between=between,
        over_channels=over_channels,
        edges=(0, *accumulate(channels)),
    )


def _only_reader(graph: Graph, node: Node) -> Node | None:
    """The one node that reads what this one computes, as its data."""
    output, readers = node.outputs[0], graph.readers(node.outputs[0])
    alone = len(readers) == 1 and output not in graph.outputs
    return readers[0] if alone and readers[0].inputs[0] == output else None


def _separable(graph: Graph, depthwise: Node, over_channels: Node, channels: int) -> bool:
    """Whether the first keeps every channel to itself and the second reads all of them."""
    both = (depthwise, over_channels)
    weights = [*depthwise.inputs[1:], over_channels.input(1)]
    if not all(node.op == "Conv" and not node.domain for node in both):
        return False
    if not all(graph.is_constant(name) for name in weights if name):
        return False
    weights_of_each = (graph.shape(depthwise.inputs[1]) or ())[:2] == (channels, 1)
    of_all = (graph.shape(over_channels.inputs[1]) or ())[1:2] == (channels,)
    groups = [node.attributes.get("group", 1) for node in both]
    return weights_of_each and of_all and groups == [channels, 1]


def _branches(model: ModelProto, graph: Graph, split: _Split) -> list[NodeProto]:
    """What takes the place of the convolution over channels; adds its weights to the model."""
    nodes, total = list[NodeProto](), ""
    for number, edges in enumerate(pairwise(split.edges)):
        nodes += _branch(model, graph, split, number, slice(*edges))
        summand = nodes[-1].output[0]
        if total:
            name = f"{split.over_channels.outputs[0]}/sum{number}"
            nodes.append(helper.make_node("Add", [total, summand], [name], name))
        total = nodes[-1].output[0]
    nodes[-1].output[0] = split.over_channels.outputs[0]
    return nodes


def _branch(
    model: ModelProto, graph: Graph, split: _Split, number: int, channels: slice
) -> list[NodeProto]:
    """The operations of one branch, with its part of the weights; the first adds the bias."""

    def part(name: str, *along: slice) -> str:
        values = np.ascontiguousarray(np.asarray(graph.constant(name))[along])
        of_branch = f"{name}/{split.concat.outputs[0]}/branch{number}"
        model.graph.initializer.append(numpy_helper.from_array(values, of_branch))
        return of_branch

    depthwise, over_channels = split.depthwise, split.over_channels
    weights = {
        depthwise.index: [part(name, channels) for name in depthwise.inputs[1:] if name],
        over_channels.index: [part(over_channels.inputs[1], slice(None), channels)],
    }
    weights[over_channels.index] += over_channels.inputs[2:] if number == 0 else ()
    data, nodes = split.concat.inputs[number], list[NodeProto]()
    for node in (entry for entry in (depthwise, split.between, over_channels) if entry):
        made = _copy(model.graph.node[node.index])
        made.name = f"{node.name}/branch{number}"
        del made.input[:], made.output[:]
        made.input.extend([data, *weights.get(node.index, ())])
        data = f"{node.outputs[0]}/branch{number}"
        made.output.append(data)
        nodes.append(made)
    groups = next(entry for entry in nodes[0].attribute if entry.name == "group")
    groups.i = channels.stop - channels.start
    return nodes


def _copy(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy
