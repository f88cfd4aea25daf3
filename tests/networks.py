"""Tiny ONNX networks for tests."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 17)]


def tensor(name: str, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path: Path, nodes, inputs, outputs, weights=()) -> Path:
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(weights))
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=8, producer_name="tests")
    onnx.save(model, path)
    return path


def darkness(path: Path, size=(64, 64), *, channels=1, batch=1) -> Path:
    """Logits of a network that calls everything darker than one half a vessel."""
    shape = [batch, channels, *size]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["half", "grey"], ["difference"]),
        helper.make_node("Mul", ["difference", "steep"], ["logits"]),
    ]
    weights = [
        helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("steep", TensorProto.FLOAT, [], [20.0]),
    ]
    return save(
        path, nodes, [tensor("image", shape)], [tensor("logits", [batch, 1, *size])], weights
    )


def quality(path: Path, size=(64, 64)) -> Path:
    """A stand-in for the quality network: dark is vessel, the brighter the better the grade."""
    nodes = [
        helper.make_node("Sub", ["half", "frame"], ["difference"]),
        helper.make_node("Mul", ["difference", "steep"], ["vessels"]),
        helper.make_node("ReduceMean", ["frame"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "slopes"], ["grade"]),
    ]
    weights = [
        helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("steep", TensorProto.FLOAT, [], [20.0]),
        helper.make_tensor("slopes", TensorProto.FLOAT, [1, 3], [-1.0, 0.0, 1.0]),
    ]
    outputs = [tensor("vessels", [1, 1, *size]), tensor("grade", [1, 3])]
    return save(path, nodes, [tensor("frame", [1, 1, *size])], outputs, weights)


def arteries(path: Path, size=(64, 64)) -> Path:
    """A stand-in for the streaming network: whatever was darker than the background is artery."""
    shape, frames = [1, 1, *size], [1, 1, 1, 1]
    nodes = [
        helper.make_node("Neg", ["frame"], ["dark"]),
        helper.make_node("Max", ["highest_in", "dark"], ["highest_out"]),
        helper.make_node("Add", ["frames_in", "one"], ["frames_out"]),
        helper.make_node("Sub", ["highest_out", "level"], ["arteries"]),
        helper.make_node("Sub", ["dark", "level"], ["filled"]),
    ]
    weights = [
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("level", TensorProto.FLOAT, [], [1.0]),
    ]
    inputs = [tensor("frame", shape), tensor("highest_in", shape), tensor("frames_in", frames)]
    outputs = [tensor(name, shape) for name in ("arteries", "filled", "highest_out")]
    outputs.append(tensor("frames_out", frames))
    return save(path, nodes, inputs, outputs, weights)


def largest_sums(path: Path, channels=16) -> Path:
    """One INT8 convolution whose activations and weights are the largest that there are."""
    constants = {
        "in_scale": np.float32(0.1), "in_zero": np.uint8(0), "out_scale": np.float32(4),
        "out_zero": np.uint8(0), "weight": np.full((channels, channels, 1, 1), 127, np.int8),
        "weight_scale": np.full(channels, 0.01, np.float32),
        "weight_zero": np.zeros(channels, np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "in_scale", "in_zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "in_scale", "in_zero"], ["xd"]),
        helper.make_node(
            "DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["wd"], axis=0
        ),
        helper.make_node("Conv", ["xd", "wd"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "out_scale", "out_zero"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "out_scale", "out_zero"], ["z"]),
    ]
    shape = [1, channels, 8, 8]
    weights = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    return save(path, nodes, [tensor("x", shape)], [tensor("z", shape)], weights)
