"""A network of halves becomes one of FP32 with the same weights."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calibration.quantisable import read_quantisable
from export.bring_your_own import Description, import_network
from export.widen import widen

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT
WEIGHT = np.random.default_rng(0).normal(0, 0.2, (16, 16, 3, 3)).astype(np.float16)


def halves(kind=HALF):
    """Convolutions in halves around a norm that its author wanted in FP32."""
    rng = np.random.default_rng(1)
    weights = {
        "first": rng.normal(0, 0.3, (16, 1, 3, 3)).astype(np.float16),
        "weight": WEIGHT,
        "last": rng.normal(0, 0.3, (1, 16, 1, 1)).astype(np.float16),
        "one": np.ones(16, np.float32),
        "zero": np.zeros(16, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["i"], to=HALF),
        helper.make_node("Conv", ["i", "first"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["a"], ["wide"], to=FLOAT),
        helper.make_node("InstanceNormalization", ["wide", "one", "zero"], ["n"]),
        helper.make_node("Cast", ["n"], ["narrow"], to=HALF),
        helper.make_node("Conv", ["narrow", "weight"], ["b"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["b"], ["r"]),
        helper.make_node("Conv", ["r", "last"], ["map"]),
    ]
    shape = [1, 1, 32, 32]
    ends = [networks.tensor("image", shape, kind)], [networks.tensor("map", shape, HALF)]
    stored = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "test", *ends, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("kind", [HALF, FLOAT], ids=["halves in", "FP32 in"])
def test_nothing_of_halves_is_left(kind):
    model = halves(kind)
    assert widen(model)
    onnx.checker.check_model(model, full_check=True)
    assert {item.data_type for item in model.graph.initializer} == {FLOAT}
    assert "Cast" not in {node.op_type for node in model.graph.node}
    (kept,) = (item for item in model.graph.initializer if item.name == "weight")
    np.testing.assert_array_equal(numpy_helper.to_array(kept), WEIGHT.astype(np.float32))


def test_a_network_without_halves_is_left_alone():
    model = halves()
    widen(model)
    before = model.SerializeToString(deterministic=True)
    assert not widen(model)
    assert model.SerializeToString(deterministic=True) == before


def test_the_branches_of_a_condition_are_widened():
    half = helper.make_tensor("value", HALF, [1], [0.5])
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["chosen"], value=half)],
        "branch", [], [networks.tensor("chosen", [1], HALF)],
    )  # fmt: skip
    node = helper.make_node("If", ["which"], ["map"], then_branch=branch, else_branch=branch)
    which = helper.make_tensor_value_info("which", TensorProto.BOOL, [1])
    graph = helper.make_graph([node], "test", [which], [networks.tensor("map", [1], HALF)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    assert widen(model)
    onnx.checker.check_model(model, full_check=True)


def test_an_imported_network_of_halves_can_be_calibrated(tmp_path):
    network = tmp_path / "network.onnx"
    onnx.save(halves(), network)
    folder = import_network(network, tmp_path / "model", Description())
    assert folder.manifest.options["input_dtype"] == "float32"
    assert folder.manifest.options["output_dtype"] == "float32"
    assert folder.manifest.origin["prepared"]["largest_difference"] > 1e-4, "they are rounded"
    assert any("FP16" in remark for remark in folder.manifest.origin["remarks"])
    graph = read_quantisable(folder.graph("fp32"))
    assert all(graph.dtype(name) == "FLOAT" for name in graph.known)


def test_halves_are_left_where_that_is_asked_for(tmp_path):
    network = tmp_path / "network.onnx"
    onnx.save(halves(), network)
    folder = import_network(network, tmp_path / "model", Description(prepared=False))
    assert folder.manifest.options["input_dtype"] == "float16"
