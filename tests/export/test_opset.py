"""Graphs of newer opsets come down to one that is calibrated, by ways that ONNX has not."""

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.opset import lowered

IMAGE = np.random.default_rng(0).normal(size=(1, 4, 8, 8)).astype(np.float32)


def newer(nodes, opset=18, constants=None):
    """From `image` to `map`, as exporters write it today."""
    weights = [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()]
    inputs = [networks.tensor("image", [1, 4, 8, 8])]
    graph = helper.make_graph(
        nodes, "test", inputs, [networks.tensor("map", list("rcab"))], weights
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def run(model):
    content, providers = model.SerializeToString(), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, providers=providers)
    return session.run(None, {"image": IMAGE})[0]


ROOM = np.array([0, 0, 1, 2, 0, 0, 1, 2], np.int64)
FLAT = np.array([2, 3], np.int64)
CASES = {
    "mean": ([helper.make_node("ReduceMean", ["image", "axes"], ["map"], noop_with_empty_axes=0)],
             18, {"axes": FLAT}),
    "edge": ([helper.make_node("Pad", ["image", "room"], ["map"], mode="edge")], 18,
             {"room": ROOM}),
    "constant": ([helper.make_node("Pad", ["image", "room", "value", ""], ["map"])], 19,
                 {"room": ROOM, "value": np.float32(3)}),
    "gelu": ([helper.make_node("Gelu", ["image"], ["map"])], 20, {}),
    "mish": ([helper.make_node("Mish", ["image"], ["map"])], 18, {}),
    "equal parts": ([helper.make_node("Split", ["image"], ["rest", "map"], axis=1,
                                      num_outputs=2)], 18, {}),
    "a smaller last part": ([helper.make_node("Split", ["image"], ["rest", "more", "map"], axis=-1,
                                              num_outputs=3)], 20, {}),
    "sizes of parts": ([helper.make_node("Split", ["image", "sizes"], ["rest", "map"], axis=1)], 18,
                       {"sizes": np.array([1, 3], np.int64)}),
    "largest of all": ([helper.make_node("GlobalMaxPool", ["image"], ["map"])], 22, {}),
    "mean of places": ([helper.make_node("AveragePool", ["image"], ["map"], kernel_shape=[2, 2],
                                         dilations=[1, 1])], 19, {}),
    "sampled": ([helper.make_node("GridSample", ["image", "grid"], ["map"], mode="linear")], 20,
                {"grid": np.linspace(-1, 1, 98, dtype=np.float32).reshape(1, 7, 7, 2)}),
    "split of old": ([helper.make_node("Split", ["image"], ["rest", "map"], axis=1,
                                       split=[1, 3])], 11, {}),
    "room of old": ([helper.make_node("Pad", ["image"], ["map"], pads=[0, 0, 1, 2, 0, 0, 1, 2])],
                    10, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_computes_the_same_in_an_older_opset(name):
    model = newer(*CASES[name])
    before = model.SerializeToString(deterministic=True)
    older = lowered(model)
    assert [(item.domain, item.version) for item in older.opset_import] == [("", 17)]
    onnx.checker.check_model(older, full_check=True)
    np.testing.assert_allclose(run(older), run(model), atol=1e-6)
    assert model.SerializeToString(deterministic=True) == before, "the given model is left alone"


@pytest.mark.parametrize(
    ("node", "constants"),
    [
        (helper.make_node("Pad", ["image", "room"], ["map"], mode="wrap"), {"room": ROOM}),
        (
            helper.make_node("Pad", ["image", "room", "", "axes"], ["map"]),
            {"room": np.array([1, 1, 1, 1], np.int64), "axes": FLAT},
        ),
        (helper.make_node("LpPool", ["image"], ["map"], kernel_shape=[2, 2]), {}),
    ],
    ids=["wrap", "axes", "LpPool"],
)
def test_what_an_older_opset_cannot_say_is_refused(node, constants):
    with pytest.raises(Exception, match=r"[Aa]dapt"):
        lowered(newer([node], 19, constants))


def test_halves_stay_halves():
    model = newer(*CASES["gelu"])
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.checker.check_model(lowered(model), full_check=True)
