"""The rules say what the ONNX Runtime of this machine does with a graph."""

import platform

import numpy as np
import onnx
import onnxruntime
import pytest
from sketches import Sketch, places

TARGET = "ort-x86"
UNSIGNED = {"kind": np.uint8, "zero": 128}

pytestmark = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="asks the rules of x86 CPUs"
)


@pytest.fixture
def fused(tmp_path):
    """Gives the operators that ONNX Runtime makes of a graph."""

    def operators(sketch: Sketch) -> list[str]:
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = level
        onnxruntime.InferenceSession(sketch.model().SerializeToString(), options)
        return [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]

    return operators


def integer_conv(sketch: Sketch, tensor: str, *bias: str, **form) -> str:
    weights = sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))))
    return sketch.node("Conv", sketch.pair(tensor, **form), weights, *bias)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("lowest", [False, True])
def test_a_relu_is_absorbed_as_the_rule_says(fused, kind, lowest):
    sketch = Sketch()
    zero = np.iinfo(kind).min if lowest else np.iinfo(kind).min + 128
    form = UNSIGNED if kind == np.uint8 else {}
    relu = sketch.node("Relu", integer_conv(sketch, sketch.input(), **form))
    sketch.node("Sigmoid", sketch.pair(relu, kind=kind, zero=zero))
    assert ("QLinearConv" in fused(sketch)) is not bool(
        places("activation-not-absorbed", sketch, TARGET)
    )


@pytest.mark.parametrize("closed", [False, True])
def test_a_convolution_is_integer_as_the_rule_says(fused, closed):
    sketch = Sketch()
    convolved = integer_conv(sketch, sketch.input(), **UNSIGNED)
    sketch.node("Sigmoid", sketch.pair(convolved, **UNSIGNED) if closed else convolved)
    assert ("QLinearConv" in fused(sketch)) is not bool(
        places("convolution-without-q-behind", sketch, TARGET)
    )


@pytest.mark.parametrize("form", [{}, UNSIGNED])
def test_a_shortcut_stays_integer_as_the_rule_says(fused, form):
    sketch = Sketch()
    image = sketch.pair(sketch.input(), **form)
    weights = sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))))
    branch = sketch.pair(sketch.node("Conv", image, weights), **form)
    sketch.node("Sigmoid", sketch.pair(sketch.node("Add", branch, image), **form))
    assert ("QLinearAdd" in fused(sketch)) is not bool(places("signed-activations", sketch, TARGET))


@pytest.mark.parametrize("op", ["ConvTranspose", "HardSwish"])
def test_float_operators_stay_float(fused, op):
    sketch = Sketch()
    constants = [sketch.pair(sketch.weight(np.ones((32, 32, 1, 1))))] if "Conv" in op else []
    behind = sketch.node(op, sketch.pair(sketch.input(), **UNSIGNED), *constants)
    sketch.node("Sigmoid", sketch.pair(behind, **UNSIGNED))
    assert not [name for name in fused(sketch) if name.startswith("QLinear")]
    assert places("quantised-float-operator", sketch, TARGET)
