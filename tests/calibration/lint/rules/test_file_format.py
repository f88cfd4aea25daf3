"""What the file says about itself."""

import onnx
import pytest
from onnx import TensorProto
from sketches import Sketch, is_silent, places

from calibration.lint import TARGETS, lint, read_graph


def relu(**form) -> Sketch:
    sketch = Sketch(**form)
    sketch.node("Relu", sketch.input())
    return sketch


@pytest.mark.parametrize(
    ("target", "oldest", "newest"),
    [
        ("tensorrt-8.6", 1, 17),
        ("tensorrt-10.3", 9, 20),
        ("tensorrt-10.13", 9, 24),
        ("tensorrt-11.4", 9, 25),
    ],
)
def test_every_tensorrt_has_its_opsets(target, oldest, newest):
    rule = "opset-out-of-range"
    assert places(rule, relu(opset=newest + 1), target)
    assert not places(rule, relu(opset=newest), target)
    assert not places(rule, relu(opset=oldest), target)
    assert oldest == 1 or places(rule, relu(opset=oldest - 1), target)


def test_a_file_version_of_today_is_noted_where_packages_are_old():
    assert places("newer-ir-version", relu(ir_version=10), "tensorrt-8.6")
    assert not places("newer-ir-version", relu(ir_version=9), "tensorrt-8.6")
    assert is_silent("newer-ir-version", "tensorrt-10.3")


def test_bfloat16_is_unknown_to_8_6():
    def cast(kind):
        sketch = Sketch()
        sketch.output(sketch.node("Cast", sketch.input(), to=kind), kind=kind)
        return sketch

    assert places("bfloat16-tensor", cast(TensorProto.BFLOAT16), "tensorrt-8.6")
    assert not places("bfloat16-tensor", cast(TensorProto.FLOAT16), "tensorrt-8.6")
    assert is_silent("bfloat16-tensor", "tensorrt-10.3")


def test_int64_is_no_input_of_8_6():
    def identity(kind):
        sketch = Sketch()
        return sketch.output(sketch.node("Identity", sketch.input(kind=kind)), kind=kind)

    found = places("int64-input-or-output", identity(TensorProto.INT64), "tensorrt-8.6")
    assert len(found) == 2
    assert not places("int64-input-or-output", identity(TensorProto.INT32), "tensorrt-8.6")
    assert is_silent("int64-input-or-output", "tensorrt-11.4")


@pytest.mark.parametrize("target", TARGETS)
def test_open_extents_are_named_with_their_shape(target):
    sketch = Sketch()
    sketch.node("Relu", sketch.input((1, 1, "rows", 8)))
    assert "input_0: shape 1 x 1 x ? x 8" in places("open-shape", sketch, target)
    assert not places("open-shape", relu(), target)


def test_weights_in_other_files_are_noted(tmp_path):
    sketch = Sketch()
    sketch.conv(sketch.input())
    assert not places("external-weights", sketch)
    path = tmp_path / "graph.onnx"
    onnx.save(sketch.model(), path, save_as_external_data=True, size_threshold=0)
    findings = lint(read_graph(path), TARGETS["tensorrt-8.6"])
    assert "external-weights" in {finding.rule.name for finding in findings}
