"""Operators that a target does not know, or should not be given."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from sketches import Sketch, is_silent, places


def one(op: str, *, domain: str = "", opset: int = 17, **attributes) -> Sketch:
    sketch = Sketch(opset)
    sketch.node(op, sketch.input(), domain=domain, **attributes)
    return sketch


def test_integer_operators_are_refused_wherever_they_come_from():
    dynamic = Sketch()
    dynamic.several("DynamicQuantizeLinear", dynamic.input(), outputs=3)
    dynamic.output(dynamic.nodes[0].output[0], kind=TensorProto.UINT8)
    assert places("integer-operator", dynamic)
    assert places("integer-operator", one("QGemm", domain="com.microsoft"))
    assert not places("integer-operator", one("Relu"))
    assert is_silent("integer-operator", "ort-x86")


def test_operators_of_other_domains_need_a_plugin():
    assert places("foreign-operator", one("Secret", domain="vendor")) == [
        "Secret_0: Secret of vendor"
    ]
    assert not places("foreign-operator", one("Relu"))


def attention(shape) -> Sketch:
    sketch = Sketch(23)
    heads = {"q_num_heads": 2, "kv_num_heads": 2} if len(shape) == 3 else {}
    sketch.node("Attention", *(sketch.input(shape) for _ in range(3)), **heads)
    return sketch


def test_the_operator_attention_comes_late_and_with_four_axes():
    rule = "attention-operator"
    assert places(rule, attention((1, 2, 16, 32)), "tensorrt-10.13")
    assert not places(rule, attention((1, 2, 16, 32)), "tensorrt-11.4")
    assert places(rule, attention((1, 16, 32)), "tensorrt-11.4")


def group_normalization(opset: int) -> Sketch:
    sketch = Sketch(opset)
    count = 32 if opset >= 21 else 4
    constants = sketch.weight(np.ones(count)), sketch.weight(np.zeros(count))
    sketch.node("GroupNormalization", sketch.input(), *constants, num_groups=4)
    return sketch


def test_group_normalization_of_opset_21_is_younger_than_10_3():
    rule = "group-normalization-operator"
    assert places(rule, group_normalization(21))
    assert not places(rule, group_normalization(18))
    assert is_silent(rule, "tensorrt-10.13")


def test_a_recurrence_is_found_with_what_it_holds():
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["going"]),
            helper.make_node("Dropout", ["state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1]),
        ],
    )
    sketch = Sketch()
    state = sketch.input((1,))
    sketch.node("Loop", sketch.weight(3, np.int64), "", state, body=body)
    assert places("loop-in-the-graph", sketch) == ["Loop_0: Loop"]
    assert places("dropout-left", sketch) == ["Dropout of next: Dropout"]
    assert not places("loop-in-the-graph", one("Relu"))


@pytest.mark.parametrize("target", ["tensorrt-8.6", "ort-arm"])
def test_a_network_in_training_is_noticed(target):
    assert places("dropout-left", one("Dropout"), target)
    assert not places("dropout-left", one("Relu"), target)


def top_k(count: int) -> Sketch:
    sketch = Sketch()
    scores = sketch.input((1, 5000))
    return sketch.output(
        sketch.several("TopK", scores, sketch.weight([count], np.int64), outputs=2)[0]
    )


def test_ranking_belongs_outside_and_has_an_end():
    assert places("detection-in-the-graph", top_k(10))
    assert not places("detection-in-the-graph", one("Relu"))
    assert places("top-k-too-long", top_k(3840)) == ["TopK_0: K = 3840"]
    assert not places("top-k-too-long", top_k(3839))
