"""What ONNX Runtime needs on a CPU to run Q/DQ as integers."""

import numpy as np
import pytest
from sketches import Sketch, is_silent, places

UNSIGNED = {"kind": np.uint8, "zero": 128}


def behind(**form) -> Sketch:
    """An integer convolution, its ReLU, and a pair of the given form."""
    sketch = Sketch()
    sketch.node(
        "Relu", sketch.pair(sketch.node("Relu", sketch.integer_conv(sketch.input())), **form)
    )
    return sketch


def test_each_cpu_has_its_own_form():
    signed, unsigned = Sketch(), Sketch()
    signed.node("Relu", signed.pair(signed.input()))
    unsigned.node("Relu", unsigned.pair(unsigned.input(), **UNSIGNED))
    assert places("signed-activations", signed, "ort-x86")
    assert not places("signed-activations", unsigned, "ort-x86")
    assert places("unsigned-activations", unsigned, "ort-arm")
    assert not places("unsigned-activations", signed, "ort-arm")
    assert is_silent("signed-activations", "ort-arm")
    assert is_silent("unsigned-activations", "ort-x86")


@pytest.mark.parametrize("target", ["ort-x86", "ort-arm"])
@pytest.mark.parametrize(
    ("form", "absorbed"),
    [
        ({"kind": np.uint8, "zero": 0}, True),
        ({"kind": np.uint8, "zero": 128}, False),
        ({"kind": np.int8, "zero": 0}, False),
        ({"kind": np.int8, "zero": -128}, True),
    ],
)
def test_a_relu_disappears_at_the_lowest_zero_point_only(form, absorbed, target):
    assert bool(places("activation-not-absorbed", behind(**form), target)) is not absorbed


def test_a_float_convolution_keeps_its_relu_anyway():
    sketch = Sketch()
    sketch.pair(sketch.node("Relu", sketch.conv(sketch.input())))
    assert not places("activation-not-absorbed", sketch, "ort-x86")


def test_every_reader_of_an_integer_convolution_is_a_q():
    rule = "convolution-without-q-behind"
    read_twice = Sketch()
    convolved = read_twice.integer_conv(read_twice.input())
    read_twice.node("Add", read_twice.pair(convolved), convolved)
    assert places(rule, read_twice, "ort-x86") == ["Conv_4: its output is not quantised"]
    assert not places(rule, behind(), "ort-x86")
    straight = Sketch()
    straight.pair(straight.integer_conv(straight.input()))
    assert not places(rule, straight, "ort-x86")


def products(weight: int, *, stored: bool, step: float = 0.1, **form) -> Sketch:
    sketch = Sketch()
    values = np.full((8, 8, 1, 1), weight)
    if stored:
        weights = sketch.dequantise(sketch.weight(values, np.int8), step)
    else:
        weights = sketch.pair(sketch.weight(values * 0.1), np.full(8, step), axis=0)
    sketch.node("Conv", sketch.pair(sketch.input((1, 8, 8, 8)), **form), weights)
    return sketch


@pytest.mark.parametrize("stored", [False, True])
def test_products_of_eight_bits_saturate_without_vnni(stored):
    rule = "saturating-products"
    assert places(rule, products(65, stored=stored, **UNSIGNED), "ort-x86")
    assert not places(rule, products(64, stored=stored, **UNSIGNED), "ort-x86")
    assert not places(rule, products(65, stored=stored), "ort-x86")
    assert is_silent(rule, "ort-arm")


def test_a_scale_of_zero_does_not_stop_the_other_rules():
    sketch = products(65, stored=False, step=0.0, **UNSIGNED)
    assert places("scale-not-positive", sketch, "ort-x86")


def test_stored_integers_need_no_rounding_at_load():
    rule = "weights-quantised-at-load"
    assert places(rule, products(1, stored=False), "ort-x86")
    assert not places(rule, products(1, stored=True), "ort-x86")


@pytest.mark.parametrize(
    ("step", "fits"), [(0.01, True), (0.02, False), (0.0102, False), (0.01005, True)]
)
def test_a_bias_counts_in_steps_of_the_product(step, fits):
    sketch = Sketch()
    weights = sketch.dequantise(sketch.weight(np.ones((8, 8, 1, 1)), np.int8))
    bias = sketch.node("DequantizeLinear", sketch.weight(np.ones(8), np.int32), sketch.weight(step))
    sketch.node("Conv", sketch.pair(sketch.input((1, 8, 8, 8))), weights, bias)
    assert bool(places("bias-scale", sketch, "ort-x86")) is not fits


def test_a_float_bias_has_no_scale():
    sketch = Sketch()
    weights = sketch.dequantise(sketch.weight(np.ones((8, 8, 1, 1)), np.int8))
    sketch.node("Conv", sketch.pair(sketch.input((1, 8, 8, 8))), weights, sketch.weight(np.ones(8)))
    assert not places("bias-scale", sketch, "ort-x86")


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_float_weights_between_two_pairs_are_rounded(op):
    rule = "float-weights-between-pairs"
    between, behind_one = Sketch(), Sketch()
    layer = between.conv(between.pair(between.input()), op=op)
    between.pair(between.node("Relu", layer), **UNSIGNED)
    behind_one.node("Relu", behind_one.conv(behind_one.pair(behind_one.input())))
    assert len(places(rule, between, "ort-x86")) == 1
    assert not places(rule, behind_one, "ort-x86")
    assert not places(rule, behind(), "ort-x86")
    assert is_silent(rule, "tensorrt-10.3")
