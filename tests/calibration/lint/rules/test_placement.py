"""Where Q/DQ pairs stand around layers, activations, joins and outputs."""

import numpy as np
import pytest
from sketches import Sketch, is_silent, places


def test_a_layer_is_quantised_whole_or_not_at_all():
    lame = Sketch()
    lame.conv(lame.pair(lame.input()))
    assert places("half-quantised-layer", lame, "ort-x86") == [
        "Conv_2: integer input, float weights"
    ]
    heavy = Sketch()
    weight = heavy.pair(heavy.weight(np.ones((32, 32, 1, 1))))
    heavy.node("Conv", heavy.input(), weight)
    assert places("half-quantised-layer", heavy)[0].endswith("integer weights, float input")
    for draw in (Sketch.conv, Sketch.integer_conv):
        whole = Sketch()
        draw(whole, whole.input())
        assert not places("half-quantised-layer", whole)


def test_a_float_layer_may_read_the_pair_that_ends_an_integer_one():
    head = Sketch()
    head.conv(head.pair(head.node("Relu", head.integer_conv(head.input()))))
    assert not places("half-quantised-layer", head, "ort-x86")
    assert places("half-quantised-layer", head), "TensorRT needs no pair there"


def test_a_pair_serves_through_operators_that_carry_integers():
    sketch = Sketch()
    pooled = sketch.node("MaxPool", sketch.pair(sketch.input()), kernel_shape=[2, 2])
    sketch.node("Conv", pooled, sketch.pair(sketch.weight(np.ones((32, 32, 1, 1)))))
    assert not places("half-quantised-layer", sketch)


def test_q_stands_behind_the_activation():
    early, late = Sketch(), Sketch()
    early.node("Relu", early.pair(early.integer_conv(early.input())))
    late.pair(late.node("Relu", late.integer_conv(late.input())))
    assert places("q-before-activation", early) == ["Relu_7: Q/DQ between Conv_4 and Relu"]
    assert not places("q-before-activation", late)


@pytest.mark.parametrize("swapped", [False, True])
def test_both_branches_of_silu_read_the_same(swapped):
    def silu(split):
        sketch = Sketch()
        image = sketch.input()
        factors = [image, sketch.node("Sigmoid", sketch.pair(image) if split else image)]
        sketch.node("Mul", *(reversed(factors) if swapped else factors))
        return sketch

    assert places("split-silu", silu(split=True))
    assert not places("split-silu", silu(split=False))


def joined(*scales: float) -> Sketch:
    sketch = Sketch()
    branches = [sketch.pair(sketch.input(), scale) for scale in scales]
    sketch.integer_conv(sketch.node("Concat", *branches, axis=1), (32, 64, 1, 1))
    return sketch


def test_joined_tensors_share_a_scale():
    assert places("concat-scales", joined(0.1, 0.2)) == ["Concat_4: scales 0.1 to 0.2"]
    assert not places("concat-scales", joined(0.1, 0.1))


def test_a_concat_before_an_integer_convolution_is_noted():
    assert places("concat-before-convolution", joined(0.1, 0.1))
    sketch = Sketch()
    sketch.integer_conv(sketch.input())
    assert not places("concat-before-convolution", sketch)


@pytest.mark.parametrize("op", ["AveragePool", "Mul"])
def test_an_average_or_a_product_is_integer_on_both_sides(op):
    def around(*, closed):
        sketch = Sketch()
        tensors = [sketch.pair(sketch.input()) for _ in range(2 if op == "Mul" else 1)]
        window = {"kernel_shape": [2, 2]} if op == "AveragePool" else {}
        behind = sketch.node(op, *tensors, **window)
        sketch.node("Relu", sketch.pair(behind) if closed else behind)
        return sketch

    assert places("no-q-behind", around(closed=False))
    assert not places("no-q-behind", around(closed=True))


def test_outputs_stay_float():
    rounded, exact = Sketch(), Sketch()
    rounded.pair(rounded.input())
    exact.node("Relu", exact.pair(exact.input()))
    assert places("quantised-output", rounded, "ort-arm") == [
        "DequantizeLinear_1_0: comes from DequantizeLinear"
    ]
    assert not places("quantised-output", exact, "ort-arm")


def test_heads_stay_float_also_behind_a_sigmoid():
    head = Sketch()
    head.node("Sigmoid", head.integer_conv(head.conv(head.input())))
    assert places("quantised-head", head) == ["Conv_5: gives Sigmoid_6_0"]
    float_head = Sketch()
    float_head.node("Sigmoid", float_head.conv(float_head.integer_conv(float_head.input())))
    assert not places("quantised-head", float_head)


def biased(*, integer: bool) -> Sketch:
    sketch = Sketch()
    weight = sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))))
    bias = sketch.weight(np.ones(32, np.int32), np.int32)
    if integer:
        bias = sketch.node("DequantizeLinear", bias, sketch.weight(0.01))
    else:
        bias = sketch.weight(np.ones(32))
    sketch.node("Conv", sketch.pair(sketch.input()), weight, bias)
    return sketch


def test_a_bias_stays_float():
    assert places("quantised-bias", biased(integer=True))
    assert not places("quantised-bias", biased(integer=False))
    assert is_silent("quantised-bias", "ort-x86")
