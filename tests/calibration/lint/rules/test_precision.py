"""Numbers that FP16 cannot hold, and layers that stay in FP32."""

import numpy as np
from onnx import TensorProto, numpy_helper
from sketches import Sketch, is_silent, places


def scaled(factor: float) -> Sketch:
    sketch = Sketch()
    sketch.node("Mul", sketch.input(), sketch.weight(factor))
    return sketch


def test_constants_fit_into_half():
    rule = "constant-beyond-half"
    assert places(rule, scaled(-7e4)) == ["weight_0: holds 70000, FP16 ends at 65504"]
    assert not places(rule, scaled(65504))
    assert not places(rule, scaled(-np.inf))
    assert is_silent(rule, "ort-x86")


def test_constant_nodes_count_too():
    sketch = Sketch()
    value = numpy_helper.from_array(np.float32(1e6))
    sketch.node("Mul", sketch.input(), sketch.node("Constant", value=value))
    assert places("constant-beyond-half", sketch)


def summed(side: int, op: str = "ReduceSum") -> Sketch:
    sketch = Sketch(18)
    sketch.node(op, sketch.input((1, 1, side, side)), sketch.weight([2, 3], np.int64))
    return sketch


def test_maps_are_averaged_and_not_summed():
    assert places("long-sum", summed(64)) == ["ReduceSum_0: adds 4096 values"]
    assert not places("long-sum", summed(32))
    assert not places("long-sum", summed(64, "ReduceMean"))


def test_float_layers_are_slow_where_types_are_kept():
    rule, target = "single-precision-layer", "tensorrt-11.4"
    single, integer, half = Sketch(), Sketch(), Sketch()
    single.conv(single.input())
    integer.integer_conv(integer.input())
    weight = half.weight(np.ones((32, 32, 1, 1)), np.float16)
    half.node("Conv", half.input(kind=TensorProto.FLOAT16), weight)
    half.output("Conv_0_0", kind=TensorProto.FLOAT16)
    assert places(rule, single, target) == ["Conv_0: Conv in FLOAT"]
    assert not places(rule, integer, target)
    assert not places(rule, half, target)
    assert is_silent(rule, "tensorrt-10.13")
