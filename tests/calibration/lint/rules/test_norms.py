"""Normalisation."""

import numpy as np
import pytest
from onnx import TensorProto
from sketches import Sketch, is_silent, places

RELU = Sketch()
RELU.node("Relu", RELU.input())


def norm(op: str, count: int = 32, kind: int = TensorProto.FLOAT, **attributes) -> Sketch:
    sketch = Sketch(attributes.pop("opset", 17))
    numbers = np.float16 if kind == TensorProto.FLOAT16 else np.float32
    ones, zeros = (sketch.weight(np.full(count, value), numbers) for value in (1, 0))
    running = (zeros, ones) if op == "BatchNormalization" else ()
    image = sketch.input(kind=kind)
    return sketch.output(sketch.node(op, image, ones, zeros, *running, **attributes), kind=kind)


@pytest.mark.parametrize("target", ["tensorrt-8.6", "ort-x86"])
def test_batch_norm_should_be_folded(target):
    assert places("batch-norm-left", norm("BatchNormalization"), target) == [
        "BatchNormalization_0: behind the input"
    ]
    assert not places("batch-norm-left", RELU, target)


def test_norms_of_maps_need_single_precision():
    assert places("norm-in-half", norm("InstanceNormalization", kind=TensorProto.FLOAT16))
    assert not places("norm-in-half", norm("InstanceNormalization"))


def layer_norm(square: str) -> Sketch:
    sketch = Sketch()
    image = sketch.input((1, 4, 8))
    centred = sketch.node("Sub", image, sketch.node("ReduceMean", image, axes=[-1]))
    squared = sketch.node(square, centred, sketch.weight(2.0))
    variance = sketch.node("ReduceMean", squared, axes=[-1])
    root = sketch.node("Sqrt", sketch.node("Add", variance, sketch.weight(1e-5)))
    sketch.node("Div", centred, root)
    return sketch


def test_layer_norm_is_one_operator():
    assert places("layer-norm-in-steps", layer_norm("Pow"))
    assert not places("layer-norm-in-steps", layer_norm("Sub"))
    assert not places("layer-norm-in-steps", RELU)


def test_group_norm_in_steps_is_recognised():
    sketch = Sketch()
    split = sketch.node("Reshape", sketch.input(), sketch.weight([1, 4, -1], np.int64))
    constants = sketch.weight(np.ones(4)), sketch.weight(np.zeros(4))
    normed = sketch.node("InstanceNormalization", split, *constants)
    sketch.node("Reshape", normed, sketch.weight([1, 32, 8, 8], np.int64))
    assert places("group-norm-in-steps", sketch)
    assert not places("group-norm-in-steps", norm("InstanceNormalization"))


def test_one_group_is_wrong_where_it_was_seen():
    def groups(count):
        return norm("GroupNormalization", opset=21, num_groups=count)

    rule = "group-norm-of-one-group"
    assert places(rule, groups(1), "tensorrt-10.13")
    assert not places(rule, groups(4), "tensorrt-10.13")
    assert is_silent(rule, "tensorrt-11.4")


def test_instance_norm_is_noted():
    assert places("instance-norm", norm("InstanceNormalization"))
    assert not places("instance-norm", RELU)
