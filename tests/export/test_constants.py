"""What is the same in every run is computed once, and nothing else is."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from export.constants import fold_constants


def resized(tmp_path, size=(8, 12)):
    """Twice as large, by a size that is computed from the shape as exporters write it."""
    nodes = [
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Constant", [], ["first"], value_ints=[2]),
        helper.make_node("Slice", ["shape", "first", "last"], ["rows_columns"]),
        helper.make_node("Mul", ["rows_columns", "two"], ["larger"]),
        helper.make_node("Slice", ["shape", "zero", "first"], ["rest"]),
        helper.make_node("Concat", ["rest", "larger"], ["size"], axis=0),
        helper.make_node("Resize", ["image", "", "", "size"], ["map"], mode="nearest"),
    ]
    numbers = {"last": [4], "two": [2, 2], "zero": [0]}
    weights = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in numbers.items()]
    outputs = [networks.tensor("map", [1, 1, "rows", "columns"])]
    inputs = [networks.tensor("image", [1, 1, *size])]
    return onnx.load(networks.save(tmp_path / "network.onnx", nodes, inputs, outputs, weights))


def operators(model):
    return [node.op_type for node in model.graph.node]


def test_sizes_of_a_static_input_are_computed(tmp_path):
    model = resized(tmp_path)
    image = np.arange(96, dtype=np.float32).reshape(1, 1, 8, 12)
    expected = ReferenceEvaluator(model).run(None, {"image": image})
    assert fold_constants(model) == 5
    assert operators(model) == ["Resize"]
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(None, {"image": image}), expected)


def test_sizes_of_an_open_input_are_left(tmp_path):
    model = resized(tmp_path, ("rows", "columns"))
    before = operators(model)
    assert fold_constants(model) == 0
    assert operators(model) == before


def network(tmp_path, nodes, weights=()):
    inputs, outputs = [networks.tensor("x", [1, 4])], [networks.tensor("y", [1, 4])]
    return onnx.load(networks.save(tmp_path / "network.onnx", nodes, inputs, outputs, weights))


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("RandomNormal", [], ["c"], shape=[1, 4]),
        helper.make_node("DequantizeLinear", ["integers", "scale"], ["c"]),
    ],
    ids=lambda node: node.op_type,
)
def test_chance_and_pairs_are_left(tmp_path, node):
    weights = [
        helper.make_tensor("integers", TensorProto.INT8, [1, 4], [1, 2, 3, 4]),
        helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
    ]
    model = network(tmp_path, [node, helper.make_node("Add", ["x", "c"], ["y"])], weights)
    assert fold_constants(model) == 0
    assert node.op_type in operators(model)


def test_what_would_make_the_file_large_is_left(tmp_path):
    nodes = [
        helper.make_node("Expand", ["one", "shape"], ["many"]),
        helper.make_node("ReduceSum", ["many"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    weights = [
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("shape", TensorProto.INT64, [1], [1 << 20]),
    ]
    model = network(tmp_path, nodes, weights)
    assert fold_constants(model) == 0


def test_what_a_branch_reads_is_kept(tmp_path):
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "sum"], ["inner"])],
        "b",
        [],
        [networks.tensor("inner", [1, 4])],
    )
    nodes = [
        helper.make_node("Add", ["one", "one"], ["sum"]),
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["on"], to=TensorProto.BOOL),
        helper.make_node("If", ["on"], ["y"], then_branch=branch, else_branch=branch),
    ]
    model = network(tmp_path, nodes, [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])])
    assert fold_constants(model) == 1
    x = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(None, {"x": x})[0], x + 2)
