"""Parallel branches become one convolution that computes the same."""

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from export.branches import merge_branches

CHANNELS = 6
IMAGE = np.random.default_rng(0).normal(size=(1, CHANNELS, 9, 10)).astype(np.float32)


class Block:
    """Branches of one image, added up; norms have statistics of their own."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)
        self.nodes, self.stored = [], []

    def constant(self, *shape, name):
        values = self.rng.uniform(0.5, 2, shape).astype(np.float32)
        self.stored.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, name, kernel, *, group=1, bias=True, **attributes):
        inputs = ["image", self.constant(CHANNELS, CHANNELS // group, *kernel, name=f"{name}/w")]
        inputs += [self.constant(CHANNELS, name=f"{name}/b")] if bias else []
        self.nodes.append(helper.make_node("Conv", inputs, [name], group=group, **attributes))
        return name

    def norm(self, name):
        values = [self.constant(CHANNELS, name=f"{name}/{part}") for part in "sbmv"]
        self.nodes.append(helper.make_node("BatchNormalization", ["image", *values], [name]))
        return name

    def add(self, first, second, name="map"):
        self.nodes.append(helper.make_node("Add", [first, second], [name]))
        return name

    def model(self):
        ends = [networks.tensor("image", IMAGE.shape)], [networks.tensor("map", list("rcab"))]
        graph = helper.make_graph(self.nodes, "test", *ends, self.stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def run(model):
    content, providers = model.SerializeToString(), ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(content, providers=providers).run(None, {"image": IMAGE})[0]


def three(group):
    block = Block()
    wide = block.conv("wide", (3, 3), group=group, pads=[1, 1, 1, 1])
    return block, block.add(wide, block.conv("narrow", (1, 1), group=group, bias=False), "sum")


@pytest.mark.parametrize("group", [1, 2, CHANNELS])
def test_two_convolutions_and_a_norm_become_one_convolution(group):
    block, total = three(group)
    block.add(total, block.norm("norm"))
    model = block.model()
    expected = run(model)
    assert merge_branches(model) == 2
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_allclose(run(model), expected, rtol=1e-5, atol=1e-4)


def test_strides_and_kernels_of_several_forms_meet_in_the_middle():
    block = Block()
    tall = block.conv("tall", (5, 1), pads=[2, 0, 2, 0], strides=[2, 2])
    block.add(tall, block.conv("broad", (1, 3), pads=[0, 1, 0, 1], strides=[2, 2]))
    model = block.model()
    expected = run(model)
    assert merge_branches(model) == 1
    np.testing.assert_allclose(run(model), expected, rtol=1e-5, atol=1e-4)


def unlike(case):
    block = Block()
    first = block.conv("first", (3, 3), pads=[1, 1, 1, 1])
    if case == "read twice":
        total = block.add(first, block.conv("second", (1, 1)), "sum")
        block.add(total, first)
    elif case == "other groups":
        block.add(first, block.conv("second", (1, 1), group=2))
    elif case == "off the middle":
        block.add(first, block.conv("second", (3, 3), pads=[0, 0, 2, 2]))
    else:
        block.add(first, "image")
    return block.model()


@pytest.mark.parametrize("case", ["read twice", "other groups", "off the middle", "a residual"])
def test_what_is_no_pair_of_branches_is_left_alone(case):
    model = unlike(case)
    before = model.SerializeToString(deterministic=True)
    assert merge_branches(model) == 0
    assert model.SerializeToString(deterministic=True) == before
