"""Branches before a separable convolution are computed apart, or stay where that would be wrong."""

import numpy as np
import pytest
import rewrites
from onnx import helper

from export.concatenations import split_concatenations

RNG = np.random.default_rng(3)
CONCAT = helper.make_node("Concat", ["a", "b", "c"], ["joined"], axis=1)
DEPTHWISE = helper.make_node("Conv", ["joined", "wd", "bd"], ["d"], group=7, pads=[1, 1, 1, 1])
UNBIASED = helper.make_node("Conv", ["joined", "wd"], ["d"], group=7, pads=[1, 1, 1, 1])
RELU = helper.make_node("Relu", ["d"], ["r"])
SQUASHED = helper.make_node("Sigmoid", ["d"], ["r"])
OVER_CHANNELS = helper.make_node("Conv", ["r", "wc", "bc"], ["y"])
LINEAR = helper.make_node("Conv", ["d", "wc", "bc"], ["y"])
DOUBLE = helper.make_node("Conv", ["joined", "wm"], ["d"], group=7, pads=[1, 1, 1, 1])
WIDE = helper.make_node("Conv", ["r", "ww"], ["y"])
ROWS = helper.make_node("Concat", ["a", "a"], ["joined"], axis=2)
FOUR = helper.make_node("Conv", ["joined", "wr"], ["d"], group=4, pads=[1, 1, 1, 1])
OF_FOUR = helper.make_node("Conv", ["r", "wf"], ["y"])
MIXED = helper.make_node("Conv", ["joined", "wx"], ["d"], pads=[1, 1, 1, 1])
OF_ONE = helper.make_node("Conv", ["r", "wo"], ["y"])
PAIRED = helper.make_node("Concat", ["a", "a"], ["joined"], axis=1)
TWO_EACH = helper.make_node("Conv", ["joined", "wg"], ["d"], group=4, pads=[1, 1, 1, 1])
OTHER = helper.make_node("Relu", ["joined"], ["also"])
WEIGHTS = {
    name: RNG.normal(size=shape).astype(np.float32)
    for name, shape in {
        "wd": (7, 1, 3, 3), "bd": (7,), "wc": (5, 7, 1, 1), "bc": (5,), "wm": (14, 1, 3, 3),
        "ww": (5, 14, 1, 1), "wr": (4, 1, 3, 3), "wf": (5, 4, 1, 1),
        "wx": (1, 7, 3, 3), "wo": (5, 1, 1, 1), "wg": (4, 2, 3, 3),
    }.items()
}  # fmt: skip
CHANNELS = {"a": 4, "b": 1, "c": 2}


def split(tmp_path, nodes, outputs=("y",)):
    """How many concatenations went, what is left; the answers stay the same."""
    path, inputs = tmp_path / "network.onnx", {n: [1, c, 8, 8] for n, c in CHANNELS.items()}
    model = rewrites.made(path, nodes, inputs, WEIGHTS, outputs)
    return rewrites.rewritten(path, model, split_concatenations), model


@pytest.mark.parametrize(
    "nodes",
    [
        [CONCAT, DEPTHWISE, RELU, OVER_CHANNELS],
        [CONCAT, UNBIASED, RELU, OVER_CHANNELS],
        [CONCAT, DEPTHWISE, LINEAR],
    ],
)
def test_every_branch_gets_convolutions_of_its_own(tmp_path, nodes):
    count, model = split(tmp_path, nodes)
    kinds = [node.op_type for node in model.graph.node]
    assert count == 1
    assert "Concat" not in kinds
    assert kinds.count("Conv") == 6
    assert kinds.count("Add") == 2
    attributes = [entry for node in model.graph.node for entry in node.attribute]
    groups = [entry.i for entry in attributes if entry.name == "group"]
    assert groups == [4, 1, 2]


def test_weights_of_the_joined_form_are_gone(tmp_path):
    _, model = split(tmp_path, [CONCAT, DEPTHWISE, RELU, OVER_CHANNELS])
    sizes = [np.prod(item.dims) for item in model.graph.initializer]
    assert sum(sizes) == 7 * 9 + 7 + 5 * 7 + 5


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([CONCAT, DEPTHWISE, SQUASHED, OVER_CHANNELS], ("y",)),  # apart from what is split
        ([CONCAT, DEPTHWISE, RELU, OVER_CHANNELS], ("y", "d")),  # asked for
        ([CONCAT, DEPTHWISE, RELU, OVER_CHANNELS, OTHER], ("y", "also")),  # read elsewhere
        ([CONCAT, DOUBLE, RELU, WIDE], ("y",)),  # two channels of each
        ([ROWS, FOUR, RELU, OF_FOUR], ("y",)),  # joined along the rows
        ([CONCAT, MIXED, RELU, OF_ONE], ("y",)),  # an ordinary convolution
        ([PAIRED, TWO_EACH, RELU, OF_FOUR], ("y",)),  # groups of two channels
        ([CONCAT, DEPTHWISE, RELU], ("r",)),  # nothing adds the channels up
    ],
)
def test_what_is_read_otherwise_stays_joined(tmp_path, nodes, outputs):
    count, model = split(tmp_path, nodes, outputs)
    assert count == 0
    assert [node.op_type for node in model.graph.node] == [node.op_type for node in nodes]
