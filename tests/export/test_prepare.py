"""A foreign graph comes into the form that is calibrated, and computes the same."""

import networks
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from calibration.quantisable import read_quantisable
from export.prepare import IR_VERSION, prepare
from sdk.backends.onnxruntime import OnnxRuntimeBackend


def foreign(tmp_path, opset, ir_version):
    """As an exporter writes it that folds nothing, with a second output and an older opset."""
    rng = np.random.default_rng(3)
    values = {"w": rng.normal(size=(8, 1, 3, 3)), "s": rng.uniform(0.5, 2, 8), "o": np.zeros(8),
              "m": np.zeros(8), "v": np.ones(8)}  # fmt: skip
    weights = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items()]
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "o", "m", "v"], ["n"]),
        helper.make_node("Relu", ["n"], ["map"]),
        helper.make_node("Sigmoid", ["c"], ["other"]),
    ]
    shape = [1, 8, 16, 16]
    outputs = [networks.tensor("other", shape), networks.tensor("map", shape)]
    inputs = [networks.tensor("image", [1, 1, 16, 16])]
    graph = helper.make_graph(nodes, "test", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def run(model, path):
    onnx.save(model, path)
    backend = OnnxRuntimeBackend(path, threads=1)
    backend.inputs["image"][...] = np.random.default_rng(1).random((1, 1, 16, 16))
    backend.run()
    return backend.outputs["map"].copy()


@pytest.mark.parametrize(("opset", "ir_version"), [(11, 6), (17, 10), (18, 8), (20, 10)])
def test_it_can_be_calibrated_and_computes_the_same(tmp_path, opset, ir_version):
    model = foreign(tmp_path, opset, ir_version)
    expected = run(model, tmp_path / "given.onnx")
    prepared, said = prepare(model, ["map"])
    got = run(prepared, tmp_path / "prepared.onnx")
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert read_quantisable(tmp_path / "prepared.onnx").opset == 17
    assert prepared.ir_version <= IR_VERSION
    assert (said["outputs_left_out"], said["operations_folded"]) == (1, 1)
    assert said.get("opset_before", 17) == opset


def test_the_given_model_is_left_as_it_is(tmp_path):
    model = foreign(tmp_path, 17, 8)
    content = model.SerializeToString(deterministic=True)
    prepare(model, ["map"])
    assert model.SerializeToString(deterministic=True) == content


def test_an_opset_that_cannot_be_lowered_is_told(tmp_path):
    model = foreign(tmp_path, 20, 10)
    pooled = helper.make_node("LpPool", ["n"], ["map"], kernel_shape=[1, 1])
    model.graph.node[2].CopyFrom(pooled)  # another since opset 18
    prepared, said = prepare(model, ["map"])
    assert said["opset_left"].startswith("20: No Adapter"), "without the place in its source"
    assert prepared.opset_import[0].version == 20
