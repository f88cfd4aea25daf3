"""A vendor's file is read: which input and output, and what is none of a network that answers."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import sdk
from export.bring_your_own import Description, import_network


def imported(network, tmp_path, **description):
    return import_network(network, tmp_path / "model", Description(**description))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("shape", [[64, 96], [1, 64, 96]])
def test_a_map_without_channels_gets_an_axis_of_one(tmp_path, layout, shape):
    image = [1, 2, 64, 96] if layout == "NCHW" else [1, 64, 96, 2]
    nodes = [
        helper.make_node("ReduceMax", ["image"], ["largest"], axes=[image.index(2)]),
        helper.make_node("Reshape", ["largest", "shape"], ["flat"]),
        helper.make_node("Sigmoid", ["flat"], ["map"]),
    ]
    stored = [numpy_helper.from_array(np.array(shape, np.int64), "shape")]
    ends = [networks.tensor("image", image)], [networks.tensor("map", shape)]
    network = networks.save(tmp_path / "network.onnx", nodes, *ends, stored)
    options = imported(network, tmp_path, layout=layout).manifest.options
    expected = [1, 1, 64, 96] if layout == "NCHW" else [1, 64, 96, 1]
    assert (options["output_shape"], options["values"]) == (expected, "sigmoid")


def test_tokens_are_no_map(tmp_path):
    nodes = [helper.make_node("Reshape", ["image", "shape"], ["tokens"])]
    stored = [numpy_helper.from_array(np.array([1, 16, 256], np.int64), "shape")]
    ends = [networks.tensor("image", [1, 1, 64, 64])], [networks.tensor("tokens", [1, 16, 256])]
    network = networks.save(tmp_path / "network.onnx", nodes, *ends, stored)
    with pytest.raises(sdk.ModelFolderError, match="no segmentation"):
        imported(network, tmp_path)


def test_classes_are_refused_with_what_to_export(tmp_path):
    nodes = [helper.make_node("ArgMax", ["image"], ["classes"], axis=1, keepdims=0)]
    ends = (
        [networks.tensor("image", [1, 3, 64, 64])],
        [networks.tensor("classes", [1, 64, 64], TensorProto.INT64)],
    )
    network = networks.save(tmp_path / "network.onnx", nodes, *ends, [])
    with pytest.raises(sdk.ModelFolderError, match=r"classes holds INT64.*before the argmax"):
        imported(network, tmp_path)


def test_weights_that_are_inputs_too_may_be_folded(tmp_path):
    weight = np.ones((1, 1, 3, 3), np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["c", "factor"], ["map"]),
    ]
    stored = [numpy_helper.from_array(weight, "weight"),
              numpy_helper.from_array(np.float32(2), "factor")]  # fmt: skip
    shape = [1, 1, 64, 64]
    inputs = [networks.tensor(*item) for item in
              (("image", shape), ("weight", [1, 1, 3, 3]), ("factor", []))]  # fmt: skip
    outputs = [networks.tensor("map", shape)]
    network = networks.save(tmp_path / "network.onnx", nodes, inputs, outputs, stored)
    folder = imported(network, tmp_path)
    assert folder.manifest.origin["prepared"]["operations_folded"] == 1
    assert [item.name for item in onnx.load(folder.graph("fp32")).graph.input] == ["image"]


def test_a_graph_that_a_runtime_optimised_is_refused(tmp_path):
    nodes = [helper.make_node("QuickGelu", ["image"], ["map"], domain="com.microsoft")]
    shape = [1, 1, 64, 64]
    ends = [[networks.tensor(name, shape)] for name in ("image", "map")]
    model = helper.make_model(
        helper.make_graph(nodes, "test", *ends),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8,
    )
    onnx.save(model, tmp_path / "network.onnx")
    with pytest.raises(sdk.ModelFolderError, match=r"com\.microsoft\.QuickGelu.*exporter wrote"):
        imported(tmp_path / "network.onnx", tmp_path)


def test_standardised_weights_are_no_training(tmp_path):
    rng = np.random.default_rng(0)
    values = {"weight": rng.normal(2, 3, (1, 4, 9)), "gain": np.full(4, 0.3), "zero": np.zeros(4),
              "mean": np.zeros(4), "variance": np.ones(4)}  # fmt: skip
    stored = [numpy_helper.from_array(v.astype(np.float32), name) for name, v in values.items()]
    stored += [numpy_helper.from_array(np.array([4, 1, 3, 3], np.int64), "shape"),
               numpy_helper.from_array(np.array([1], np.int64), "one")]  # fmt: skip
    nodes = [
        helper.make_node(
            "BatchNormalization", ["weight", "gain", "zero", "mean", "variance"],
            ["standard", "running_mean", "running_variance"], training_mode=1,
        ),
        helper.make_node("Reshape", ["standard", "shape"], ["kernel"]),
        helper.make_node("Conv", ["image", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMax", ["c"], ["map"], axes=[1]),
    ]  # fmt: skip
    ends = [[networks.tensor(name, [1, 1, 64, 64])] for name in ("image", "map")]
    network = networks.save(tmp_path / "network.onnx", nodes, *ends, stored)
    folder = imported(network, tmp_path)
    assert {node.op_type for node in onnx.load(folder.graph("fp32")).graph.node} == {
        "Conv", "ReduceMax"
    }  # fmt: skip


def test_a_size_that_the_network_does_not_take_is_told(tmp_path):
    nodes = [
        helper.make_node("MaxPool", ["image"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["half", "", "twice"], ["whole"]),
        helper.make_node("Concat", ["image", "whole"], ["both"], axis=1),
        helper.make_node("ReduceMax", ["both"], ["map"], axes=[1]),
    ]
    stored = [numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice")]
    ends = [[networks.tensor(name, [1, 1, "r", "c"])] for name in ("image", "map")]
    network = networks.save(tmp_path / "network.onnx", nodes, *ends, stored)
    assert imported(network, tmp_path, size=(64, 64))
    with pytest.raises(sdk.ModelFolderError, match="may not take the size"):
        imported(network, tmp_path, size=(65, 65))
