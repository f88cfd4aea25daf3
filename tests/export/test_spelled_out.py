"""Gelu is written in older operators and computes the same."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from export.spelled_out import spell_out


def with_gelu(approximate, dtype=TensorProto.FLOAT):
    nodes = [
        helper.make_node("Neg", ["image"], ["turned"]),
        helper.make_node("Gelu", ["turned"], ["map"], approximate=approximate),
    ]
    ends = [[networks.tensor(name, [1, 4, 8, 8], dtype)] for name in ("image", "map")]
    graph = helper.make_graph(nodes, "test", *ends)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize(
    ("dtype", "limit"), [(TensorProto.FLOAT, 1e-6), (TensorProto.FLOAT16, 4e-3)]
)
def test_it_computes_the_same(approximate, dtype, limit):
    model = with_gelu(approximate, dtype)
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    image = np.random.default_rng(0).normal(scale=2, size=(1, 4, 8, 8)).astype(kind)
    (expected,) = ReferenceEvaluator(model).run(None, {"image": image})
    assert spell_out(model) == 1
    assert "Gelu" not in {node.op_type for node in model.graph.node}
    onnx.checker.check_model(model, full_check=True)
    (got,) = ReferenceEvaluator(model).run(None, {"image": image})
    np.testing.assert_allclose(got.astype(float), expected.astype(float), atol=limit)


def test_a_graph_without_one_is_left_alone():
    model = with_gelu("none")
    model.graph.node[1].CopyFrom(helper.make_node("Relu", ["turned"], ["map"]))
    before = model.SerializeToString(deterministic=True)
    assert spell_out(model) == 0
    assert model.SerializeToString(deterministic=True) == before
