"""The form of each Q and DQ."""

import numpy as np
import pytest
from onnx import TensorProto
from sketches import Sketch, is_silent, places


def paired(**form) -> Sketch:
    sketch = Sketch()
    sketch.node("Relu", sketch.pair(sketch.input(), **form))
    return sketch


def test_tensorrt_quantises_to_signed_integers():
    assert len(places("quantised-type", paired(kind=np.uint8))) == 2
    assert not places("quantised-type", paired())
    assert is_silent("quantised-type", "ort-x86")


def test_an_integer_bias_is_no_wrong_type():
    sketch = Sketch()
    bias = sketch.node("DequantizeLinear", sketch.weight([1] * 32, np.int32), sketch.weight(0.1))
    sketch.node("Add", sketch.input((1, 32)), bias)
    assert not places("quantised-type", sketch)


def test_tensorrt_is_symmetric():
    assert places("zero-point", paired(zero=3)) == [
        "QuantizeLinear_0: zero point 3",
        "DequantizeLinear_1: zero point 3",
    ]
    assert not places("zero-point", paired(zero=0))
    assert is_silent("zero-point", "ort-arm")


def test_a_computed_zero_point_is_not_zero_for_sure():
    sketch = Sketch()
    point = sketch.node("Cast", sketch.weight(0), to=TensorProto.INT8)
    sketch.node("QuantizeLinear", sketch.input(), sketch.weight(0.1), point)
    sketch.output("QuantizeLinear_1_0", kind=TensorProto.INT8)
    assert places("zero-point", sketch) == ["QuantizeLinear_1: zero point is computed"]


def test_a_left_out_zero_point_is_zero():
    sketch = Sketch()
    integers = sketch.node("QuantizeLinear", sketch.input(), sketch.weight(0.1))
    sketch.output(integers, kind=TensorProto.UINT8)
    assert not places("zero-point", sketch)


def test_scales_are_constants_even_behind_an_identity():
    def scaled_by(op):
        sketch = Sketch()
        step = sketch.node(op, sketch.weight(0.1))
        integers = sketch.node("QuantizeLinear", sketch.input(), step, sketch.weight(0, np.int8))
        return sketch.output(integers, kind=TensorProto.INT8)

    assert places("computed-scale", scaled_by("Abs"))
    assert not places("computed-scale", scaled_by("Identity"))


@pytest.mark.parametrize("target", ["tensorrt-8.6", "ort-x86"])
@pytest.mark.parametrize("step", [0.0, -0.1, np.inf, np.nan])
def test_scales_are_finite_and_positive(step, target):
    assert len(places("scale-not-positive", paired(scale=step), target)) == 2
    assert not places("scale-not-positive", paired(scale=0.1), target)


def test_one_dead_channel_is_found_among_many():
    sketch = Sketch()
    steps = np.where(np.arange(32) == 7, 0, 0.1)
    weight = sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))), steps, axis=0)
    sketch.node("Conv", sketch.pair(sketch.input()), weight)
    assert places("scale-not-positive", sketch)[0].endswith("scale 0 (1 of 32)")


def test_scales_do_not_underflow():
    assert places("scale-underflow", paired(scale=1e-39))
    assert not places("scale-underflow", paired(scale=1e-37))


def test_activations_have_one_scale():
    assert places("scale-shape", paired(scale=np.full(32, 0.1)))
    assert not places("scale-shape", paired(scale=np.full(1, 0.1)))
    sketch = Sketch()
    weight = sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))), np.full(32, 0.1), axis=0)
    sketch.node("Conv", sketch.pair(sketch.input()), weight)
    assert not places("scale-shape", sketch)


def half_scaled(tensor: int, opset: int) -> Sketch:
    sketch = Sketch(opset)
    step = sketch.weight(0.1, np.float16)
    integers = sketch.node(
        "QuantizeLinear", sketch.input(kind=tensor), step, sketch.weight(0, np.int8)
    )
    return sketch.output(integers, kind=TensorProto.INT8)


def test_a_scale_has_the_type_of_its_tensor():
    assert places("scale-type", half_scaled(TensorProto.FLOAT, 19))
    assert not places("scale-type", half_scaled(TensorProto.FLOAT16, 19))


def test_half_scales_need_opset_19():
    assert places("half-scale-before-opset-19", half_scaled(TensorProto.FLOAT16, 17))
    assert not places("half-scale-before-opset-19", half_scaled(TensorProto.FLOAT16, 19))
    assert not places("half-scale-before-opset-19", paired())


def weights_on(axis: int, op: str, shape: tuple[int, ...], **attributes) -> Sketch:
    sketch = Sketch()
    weight = sketch.pair(sketch.weight(np.ones(shape)), np.full(shape[axis], 0.1), axis=axis)
    image = (1, shape[1], 8, 8) if op == "Conv" else (4, 8)
    sketch.node(op, sketch.pair(sketch.input(image)), weight, **attributes)
    return sketch


@pytest.mark.parametrize(
    ("op", "axis", "attributes"),
    [("Conv", 0, {}), ("MatMul", 1, {}), ("Gemm", 1, {}), ("Gemm", 0, {"transB": 1})],
)
def test_weights_are_scaled_per_output_channel(op, axis, attributes):
    shape = (8, 8, 1, 1) if op == "Conv" else (8, 8)
    assert places("weight-axis", weights_on(1 - axis, op, shape, **attributes))
    assert not places("weight-axis", weights_on(axis, op, shape, **attributes))
    assert not places("weight-axis", weights_on(axis - len(shape), op, shape, **attributes))


def test_nobody_is_alone():
    sketch = Sketch()
    image = sketch.input()
    sketch.quantise(image)
    integers = sketch.quantise(image)
    sketch.node("MaxPool", integers, kernel_shape=[2, 2])
    sketch.dequantise(sketch.node("Cast", image, to=TensorProto.INT8))
    sketch.dequantise(integers)
    sketch.output(sketch.nodes[-2].output[0])
    assert places("lone-q-or-dq", sketch) == [
        "QuantizeLinear_0: a Q that nothing reads",
        "QuantizeLinear_1: a Q read by MaxPool, not by a DQ",
        "DequantizeLinear_4: a DQ of a computed tensor, without a Q",
        "DequantizeLinear_5: a DQ that nothing reads",
    ]
    assert not places("lone-q-or-dq", paired())


def test_integer_inputs_and_outputs_are_not_alone():
    sketch = Sketch()
    image = sketch.dequantise(sketch.input(kind=TensorProto.INT8))
    sketch.output(sketch.quantise(sketch.node("Relu", image)), kind=TensorProto.INT8)
    assert not places("lone-q-or-dq", sketch)


def test_nothing_is_quantised_twice():
    sketch = Sketch()
    sketch.node("Relu", sketch.pair(sketch.pair(sketch.input())))
    assert places("doubled-pair", sketch) == ["QuantizeLinear_2: quantises input_0 once more"]
    assert not places("doubled-pair", paired())
