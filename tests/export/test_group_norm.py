"""GroupNormalization is written in older operators and computes the same."""

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from export.group_norm import split_group_norms
from export.prepare import prepare

IMAGE = np.random.default_rng(0).normal(2, 3, (1, 6, 8, 8)).astype(np.float32)


def normed(opset, scales, shape=(1, 6, 8, 8)):
    """Two of them: the shape of what the second reads is known once the first is replaced."""
    weights = [
        numpy_helper.from_array(np.linspace(0.5, 2, scales, dtype=np.float32), "scale"),
        numpy_helper.from_array(np.linspace(-1, 1, scales, dtype=np.float32), "bias"),
    ]
    first = helper.make_node(
        "GroupNormalization", ["image", "scale", "bias"], ["n"], num_groups=3, epsilon=0.1
    )
    nodes = [
        first,
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("GroupNormalization", ["r", "scale", "bias"], ["map"], num_groups=3),
    ]
    ends = [[networks.tensor(name, list(shape))] for name in ("image", "map")]
    graph = helper.make_graph(nodes, "test", *ends, weights)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def run(model):
    content, providers = model.SerializeToString(), ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(content, providers=providers).run(None, {"image": IMAGE})[0]


@pytest.mark.parametrize(("opset", "scales"), [(21, 6), (18, 3)], ids=["per channel", "per group"])
def test_it_computes_the_same(opset, scales):
    model = normed(opset, scales)
    expected = run(model)
    assert split_group_norms(model) == 2
    assert "GroupNormalization" not in {node.op_type for node in model.graph.node}
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_allclose(run(model), expected, atol=1e-4)


def test_it_can_be_calibrated_then():
    prepared, said = prepare(normed(21, 6), ["map"])
    assert said["opset_before"] == 21
    assert prepared.opset_import[0].version == 17
    assert [extent.dim_value for extent in prepared.graph.output[0].type.tensor_type.shape.dim] == [
        1, 6, 8, 8
    ]  # fmt: skip
    assert "Shape" not in {node.op_type for node in prepared.graph.node}


def test_one_of_unknown_shape_stays():
    model = normed(21, 6)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert split_group_norms(model) == 0
