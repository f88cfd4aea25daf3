"""Halves stand wherever they suffice, and what stays in FP32 says why."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference
from small_nets import Net, branched, images, run

from calibration.errors import CalibrationError
from calibration.half import ASKED, STEEP, SUM, halve
from calibration.rules import NORM

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def typed(path, largest=None):
    """Operator name -> type of its output, reasons by name, and the graph."""
    content, kept = halve(onnx.load(path), largest or {})
    model = shape_inference.infer_shapes(onnx.load_from_string(content), strict_mode=True)
    kinds = {
        item.name: item.type.tensor_type.elem_type
        for item in (*model.graph.value_info, *model.graph.output, *model.graph.input)
    }
    made = {node.name: kinds[node.output[0]] for node in model.graph.node}
    return made, {item.node: item.reason for item in kept}, content


def test_convolutions_and_their_weights_are_halves_and_the_door_is_fp32(tmp_path):
    path = branched(tmp_path / "net.onnx")
    made, reasons, content = typed(path)
    assert reasons == {}
    assert {made[name] for name in ("first", "signed", "residual", "joined", "logits")} == {HALF}
    model = onnx.load_from_string(content)
    assert {item.data_type for item in model.graph.initializer} == {HALF}
    assert model.graph.input[0].type.tensor_type.elem_type == FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == FLOAT
    assert [node.op_type for node in model.graph.node].count("Cast") == 2
    feed = images(1)
    expected = run(path.read_bytes(), feed, 0, ["logits"])["logits"]
    got = run(content, feed, 0, ["logits"])["logits"]
    assert 0 < np.abs(got - expected).max() < 0.01 * np.ptp(expected)


def test_norms_sums_and_steep_operators_stay(tmp_path):
    net = Net()
    tensor = net.conv("image", (1, 16), name="first")
    ones = net.weight(np.ones(16, np.float32))
    tensor = net.op("InstanceNormalization", tensor, ones, ones, name="norm")
    tensor = net.op("Div", tensor, net.weight(np.float32(3)), name="div")
    pooled = net.op("GlobalAveragePool", tensor, name="pool")
    net.op("Mul", tensor, pooled, name="out")
    made, reasons, _ = typed(net.save(tmp_path / "n.onnx", {"out": [1, 16, 32, 32]}))
    assert reasons == {"norm": NORM, "div": STEEP, "pool": SUM}
    assert made["first"] == made["out"] == HALF
    assert made["norm"] == made["div"] == made["pool"] == FLOAT


def test_what_reaches_too_far_stays_with_its_readers(tmp_path):
    path = branched(tmp_path / "net.onnx")
    made, reasons, _ = typed(path, {"inner": 10.0, "outer": 9000.0})
    assert set(reasons) == {"outer", "residual"}
    assert reasons["outer"] == "reaches 9000, a half ends at 65504"
    assert made["inner"] == HALF
    assert made["outer"] == made["residual"] == FLOAT


def test_a_constant_beyond_halves_stays_and_a_bound_is_drawn_in(tmp_path):
    net = Net()
    far = net.op("Add", "image", net.weight(np.float32(1e9)), name="far")
    bounds = [net.weight(np.float32(sign * 3.4e38)) for sign in (-1, 1)]
    net.op("Clip", "image", *bounds, name="bounded")
    net.op("Sub", far, "bounded", name="out")
    made, reasons, content = typed(net.save(tmp_path / "n.onnx", {"out": [1, 1, 32, 32]}))
    assert set(reasons) == {"far"}
    assert made["bounded"] == HALF
    limits = [numpy_helper.to_array(i) for i in onnx.load_from_string(content).graph.initializer]
    assert sorted(float(x) for x in limits if x.dtype == np.float16) == [-65504, 65504]


def test_what_the_network_casts_to_fp32_itself_stays_to_the_end(tmp_path):
    net = Net()
    tensor = net.conv("image", (1, 16), name="first")
    tensor = net.op("Cast", tensor, name="asked", to=FLOAT)
    tensor = net.op("Relu", tensor, name="behind")
    net.conv(tensor, (16, 1), side=1, name="out")
    made, reasons, _ = typed(net.save(tmp_path / "n.onnx", {"out": [1, 1, 32, 32]}))
    assert reasons == dict.fromkeys(("asked", "behind", "out"), ASKED)
    assert made["first"] == HALF


def test_inputs_that_only_come_in_fp32_stay_constant(tmp_path):
    net = Net()
    tensor = net.conv("image", (1, 16), name="first")
    scales = net.weight(np.array([1, 1, 2, 2], np.float32))
    net.op("Resize", tensor, "", scales, name="out", mode="linear")
    made, reasons, content = typed(net.save(tmp_path / "n.onnx", {"out": [1, 16, 64, 64]}))
    assert reasons == {}
    assert made["out"] == HALF
    kinds = {i.name: i.data_type for i in onnx.load_from_string(content).graph.initializer}
    assert kinds[scales] == FLOAT


def test_integers_are_left_alone(tmp_path):
    net = Net()
    shape = net.weight(np.array([1, 1024], np.int64))
    net.op("Reshape", net.op("Relu", "image", name="relu"), shape, name="out")
    made, _, content = typed(net.save(tmp_path / "n.onnx", {"out": [1, 1024]}))
    assert made["out"] == HALF
    assert onnx.load_from_string(content).graph.initializer[0].data_type == TensorProto.INT64


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (helper.make_node("Sparkle", ["x"], ["y"], name="s", domain="vendor"), "vendor"),
        (
            helper.make_node(
                "If", ["c"], ["y"], name="branch",
                **{branch: helper.make_graph(
                    [helper.make_node("Relu", ["x"], ["z"])], branch, [],
                    [networks.tensor("z", [1])]) for branch in ("then_branch", "else_branch")},
            ),
            "branches or loops",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_typed_is_refused(node, said):
    inputs = [networks.tensor("x", [1]), networks.tensor("c", [], TensorProto.BOOL)]
    graph = helper.make_graph([node], "g", inputs, [networks.tensor("y", [1])])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("vendor", 1)]
    with pytest.raises(CalibrationError, match=said):
        halve(helper.make_model(graph, opset_imports=opsets, ir_version=8), {})
