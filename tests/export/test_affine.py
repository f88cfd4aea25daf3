"""Norms, scales and shifts go into the weights before them, or stay where that would be wrong."""

import numpy as np
import pytest
import rewrites
from onnx import helper

from export.affine import fold_affine

CHANNELS = 6
RNG = np.random.default_rng(5)


def random(*shape):
    return RNG.uniform(0.5, 1.5, shape).astype(np.float32)


CONV = helper.make_node("Conv", ["image", "w", "b"], ["c"], pads=[1, 1, 1, 1])
PLAIN = helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1])
GROUPED = helper.make_node("Conv", ["image", "wg"], ["c"], pads=[1, 1, 1, 1], group=2)
UP = helper.make_node("ConvTranspose", ["image", "wt"], ["c"], strides=[2, 2], group=2)
NORM = helper.make_node("BatchNormalization", ["c", "s", "o", "m", "v"], ["y"], epsilon=1e-3)
WEIGHTS = {
    "w": random(CHANNELS, 4, 3, 3), "b": random(CHANNELS), "wg": random(CHANNELS, 2, 3, 3),
    "wt": random(4, CHANNELS // 2, 2, 2), "s": random(CHANNELS), "o": random(CHANNELS),
    "m": random(CHANNELS), "v": random(CHANNELS), "one": random(1), "each": random(CHANNELS, 1, 1),
    "each_of_four": random(1, CHANNELS, 1, 1), "columns": random(8), "map": random(1, 1, 8, 8),
}  # fmt: skip


def folded(tmp_path, nodes, outputs=("y",), size=(8, 8)):
    """How many operations went, what is left; the answers stay the same."""
    path = tmp_path / "network.onnx"
    model = rewrites.made(path, nodes, {"image": [1, 4, *size]}, WEIGHTS, outputs)
    count = rewrites.rewritten(path, model, fold_affine)
    return count, [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("before", [CONV, PLAIN, GROUPED, UP], ids=["bias", "plain", "group", "up"])
def test_a_norm_goes_into_the_convolution_before(tmp_path, before):
    assert folded(tmp_path, [before, NORM]) == (1, [before.op_type])


@pytest.mark.parametrize("constant", ["one", "each", "each_of_four"])
@pytest.mark.parametrize(
    ("op", "turned"), [("Mul", False), ("Add", True), ("Sub", False), ("Sub", True), ("Div", False)]
)
def test_a_constant_per_channel_goes_into_the_convolution(tmp_path, op, constant, turned):
    inputs = [constant, "c"] if turned else ["c", constant]
    assert folded(tmp_path, [PLAIN, helper.make_node(op, inputs, ["y"])]) == (1, ["Conv"])


def test_scale_then_shift_as_some_exporters_write_a_norm(tmp_path):
    nodes = [
        PLAIN,
        helper.make_node("Mul", ["c", "each"], ["d"]),
        helper.make_node("Add", ["d", "each_of_four"], ["e"]),
        helper.make_node("Relu", ["e"], ["y"]),
    ]
    assert folded(tmp_path, nodes) == (2, ["Conv", "Relu"])


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Mul", ["c", "columns"], ["y"]),
        helper.make_node("Add", ["c", "map"], ["y"]),
        helper.make_node("Div", ["one", "c"], ["y"]),
        helper.make_node("Mul", ["c", "c"], ["y"]),
    ],
    ids=["a value per column", "a value per pixel", "a division by the tensor", "a square"],
)
def test_what_is_no_map_of_channels_stays(tmp_path, node):
    assert folded(tmp_path, [PLAIN, node]) == (0, ["Conv", node.op_type])


def test_a_convolution_that_others_read_stays(tmp_path):
    nodes = [PLAIN, NORM, helper.make_node("Relu", ["c"], ["z"])]
    assert folded(tmp_path, nodes, ("y", "z"))[0] == 0


def test_a_convolution_that_is_given_out_stays(tmp_path):
    assert folded(tmp_path, [PLAIN, NORM], ("y", "c"))[0] == 0


def test_weights_that_two_convolutions_share_are_told_apart(tmp_path):
    other = helper.make_node("Conv", ["image", "w"], ["z"], pads=[1, 1, 1, 1])
    assert folded(tmp_path, [PLAIN, NORM, other], ("y", "z")) == (1, ["Conv", "Conv"])
