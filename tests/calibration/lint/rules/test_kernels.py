"""Quantised layers for which the target has no INT8 kernel, or a slow one."""

import numpy as np
import pytest
from sketches import Sketch, is_silent, places


def layer(
    shape: tuple[int, ...], *, op: str = "Conv", integer: bool = True, first=False, **attributes
) -> Sketch:
    """One convolution behind a ReLU, or reading the input itself."""
    sketch = Sketch()
    groups = attributes.get("group", 1)
    channels = shape[0] if op == "ConvTranspose" else shape[1] * groups
    image = sketch.input((1, channels, *(8,) * (len(shape) - 2)))
    tensor = image if first else sketch.node("Relu", image)
    draw = sketch.integer_conv if integer else sketch.conv
    draw(tensor, shape, op, **attributes)
    return sketch


def test_the_first_convolution_is_better_left_alone():
    rule = "quantised-first-convolution"
    assert places(rule, layer((32, 1, 3, 3), first=True)) == ["Conv_4: reads the input, 1 channels"]
    assert not places(rule, layer((32, 1, 3, 3), first=True, integer=False))
    assert not places(rule, layer((32, 1, 3, 3)))
    assert not places(rule, layer((32, 32, 3, 3), first=True))


@pytest.mark.parametrize(("narrow", "wide"), [((32, 8, 1, 1), (32, 16, 1, 1))])
def test_narrow_convolutions_gain_nothing(narrow, wide):
    rule = "narrow-convolution"
    assert places(rule, layer(narrow)) == ["Conv_5: 8 -> 32 channels"]
    assert not places(rule, layer(wide))
    assert not places(rule, layer(narrow, integer=False))
    assert not places(rule, layer((32, 3, 1, 1), first=True))


def test_widths_are_multiples_of_32():
    assert places("channels-not-of-32", layer((65, 32, 1, 1))) == ["Conv_5: 32 -> 65 channels"]
    assert not places("channels-not-of-32", layer((64, 32, 1, 1)))


def test_depthwise_convolutions_are_slow_where_that_was_seen():
    rule = "quantised-depthwise"
    assert places(rule, layer((32, 1, 3, 3), group=32), "ort-x86")
    assert places(rule, layer((32, 1, 3, 3), group=32), "tensorrt-8.6")
    assert not places(rule, layer((32, 8, 3, 3), group=4))
    assert not places(rule, layer((32, 1, 3, 3), group=32, integer=False))
    assert is_silent(rule, "ort-arm")


def test_groups_hold_multiples_of_four():
    assert places("uneven-groups", layer((12, 3, 3, 3), group=4)) == [
        "Conv_5: 3 -> 3 channels per group"
    ]
    assert not places("uneven-groups", layer((16, 4, 3, 3), group=4))
    assert not places("uneven-groups", layer((32, 1, 3, 3), group=32))


def test_volumes_are_noted_and_groups_of_volumes_warned_of():
    volume = layer((32, 32, 1, 1, 1))
    grouped = layer((32, 16, 1, 1, 1), group=2)
    assert places("quantised-volume", volume)
    assert not places("grouped-volume", volume)
    assert places("grouped-volume", grouped) == ["Conv_5: 2 groups"]
    assert not places("quantised-volume", layer((32, 32, 1, 1)))


def test_transposed_convolutions_stay_float():
    rule = "quantised-transposed-convolution"
    assert places(rule, layer((32, 32, 2, 2), op="ConvTranspose"), "ort-arm")
    assert places(rule, layer((8, 8, 2, 2, 2), op="ConvTranspose"))[0].endswith("3-D")
    assert not places(rule, layer((32, 32, 2, 2), op="ConvTranspose", integer=False))


def test_transposed_convolutions_have_one_scale_if_any():
    sketch = Sketch()
    weight = sketch.pair(sketch.weight(np.ones((32, 16, 2, 2))), np.full(16, 0.1), axis=1)
    sketch.node("ConvTranspose", sketch.pair(sketch.input()), weight)
    rule = "transposed-convolution-per-channel"
    assert places(rule, sketch) == ["ConvTranspose_4: weights per channel, axis 1"]
    assert not places(rule, layer((32, 32, 2, 2), op="ConvTranspose"))


@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
def test_a_matrix_times_a_vector_stays_float(op):
    def product(rows, draw=Sketch.integer_conv):
        sketch = Sketch()
        draw(sketch, sketch.input((rows, 8)), (8, 8), op)
        return sketch

    assert places("quantised-vector-product", product(1))
    assert not places("quantised-vector-product", product(16))
    assert not places("quantised-vector-product", product(1, Sketch.conv))


def reads_integers(op: str, *constants, paired: bool = True, **attributes) -> Sketch:
    sketch = Sketch()
    image = sketch.input()
    tensors = [sketch.weight(values) if values is not None else "" for values in constants]
    sketch.node(op, sketch.pair(image) if paired else image, *tensors, **attributes)
    return sketch


def test_operators_without_integer_form_read_floats():
    rule = "quantised-float-operator"
    resize = ("Resize", None, [1, 1, 2, 2])
    assert places(rule, reads_integers(*resize, mode="linear"))[0].endswith("linear Resize")
    assert not places(rule, reads_integers(*resize, mode="nearest"))
    assert places(rule, reads_integers("Softmax"))
    assert not places(rule, reads_integers("Softmax", paired=False))


def test_each_target_has_its_own_float_operators():
    rule = "quantised-float-operator"
    assert not places(rule, reads_integers("Softmax"), "ort-x86")
    assert places(rule, reads_integers("HardSwish"), "ort-x86")
    assert not places(rule, reads_integers("HardSwish"), "tensorrt-8.6")


def closed(op: str) -> Sketch:
    """An integer convolution, the pair that ends it, and an operator without integer form."""
    sketch = Sketch()
    sketch.node(op, sketch.pair(sketch.node("Relu", sketch.integer_conv(sketch.input()))))
    return sketch


def test_the_pair_that_ends_an_integer_layer_is_no_loss_on_onnxruntime():
    rule = "quantised-float-operator"
    assert not places(rule, closed("HardSwish"), "ort-x86")
    assert places(rule, closed("Sigmoid")), "TensorRT needs none there"


def test_a_depthwise_convolution_that_feeds_an_integer_layer_gains_on_onnxruntime():
    rule, sketch = "quantised-depthwise", Sketch()
    apart = sketch.integer_conv(sketch.input(), (32, 1, 3, 3), group=32)
    sketch.integer_conv(apart)
    assert not places(rule, sketch, "ort-x86")
    assert places(rule, sketch, "tensorrt-8.6")
