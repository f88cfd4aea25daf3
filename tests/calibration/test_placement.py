"""Q/DQ goes where TensorRT wants it, and every float operation has its reason."""

import networks
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from small_nets import Net, branched, chain, separable

from calibration.errors import CalibrationError
from calibration.placement import place
from calibration.quantisable import read_quantisable


@pytest.fixture
def chained(tmp_path):
    return place(read_quantisable(chain(tmp_path / "net.onnx")))


@pytest.fixture
def branchy(tmp_path):
    return place(read_quantisable(branched(tmp_path / "net.onnx")))


def placed(tmp_path, insert, shape=(1, 16, 32, 32)):
    """Decision by node, of a network with something between its first and last convolution."""
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    anchor = net.relu(net.conv(first, (16, 16), name="anchor"))
    inserted = insert(net, anchor)
    net.conv(net.relu(net.conv(inserted, (shape[1], 16), name="after")), (16, 4), name="last")
    path = net.save(tmp_path / "net.onnx", {"last": [1, 4, *shape[2:]]})
    return {decision.node: decision for decision in place(read_quantisable(path)).decisions}


def test_first_and_last_convolution_stay_float(chained):
    found = {item.node: (item.int8, item.reason.split(":")[0]) for item in chained.decisions}
    expected = {"first": (False, "first"), "middle": (True, "weight and input")}
    assert found == expected | {"logits": (False, "last")}


def test_the_pair_stands_after_the_relu(chained):
    assert chained.tensorrt.pairs == ("relu1",)


def test_onnx_runtime_gets_a_pair_behind_the_convolution_too(chained):
    assert chained.cpu.pairs == ("relu1", "relu3")


def test_openvino_gets_no_pairs_that_only_floats_read(tmp_path):
    graph = read_quantisable(branched(tmp_path / "net.onnx"))
    placement = place(graph, x86="openvino")
    assert placement.cpu.pairs == placement.tensorrt.pairs
    assert placement.cpu.reads == placement.tensorrt.reads
    assert set(place(graph).cpu.pairs) > set(placement.cpu.pairs)


def test_openvino_gets_pairs_before_depthwise_convolutions_that_integers_read(tmp_path):
    graph = read_quantisable(separable(tmp_path / "net.onnx"))
    placement = place(graph, x86="openvino")
    assert {graph.nodes[index].name for index in placement.cpu.weights} == {
        "depth_a",
        "depth_b",
    }
    assert set(placement.cpu.pairs) - set(placement.tensorrt.pairs)


def test_an_exact_twin_rounds_what_tensorrt_rounds(tmp_path):
    graph = read_quantisable(separable(tmp_path / "net.onnx"))
    placement = place(graph, x86="exact")
    assert placement.cpu.pairs == placement.tensorrt.pairs
    assert placement.cpu.reads == placement.tensorrt.reads
    assert not placement.cpu.weights
    assert not any("twin" in decision.reason for decision in placement.decisions)


def test_a_residual_addition_takes_its_pair_on_the_identity_branch(branchy):
    graph_reads = {tensor for _, tensor in branchy.tensorrt.reads}
    assert "signed" in graph_reads
    assert "outer" not in graph_reads
    assert {item.node for item in branchy.decisions if item.op == "Add" and item.int8} == {
        "residual"
    }


def test_inputs_of_a_concatenation_share_their_scale(branchy):
    assert [set(group) for group in branchy.groups] == [{"relu7", "pooled", "joined"}]
    assert {"relu7", "pooled", "joined"} <= set(branchy.tensorrt.pairs)


def test_outputs_and_heads_stay_float(branchy):
    assert "logits" not in branchy.tensorrt.pairs
    assert "logits" not in branchy.cpu.pairs


def test_depthwise_stays_float(tmp_path):
    found = placed(tmp_path, lambda net, x: net.conv(x, (16, 16), group=16, name="it"))
    assert found["it"].reason.startswith("depthwise")
    assert not found["it"].int8


@pytest.mark.parametrize(
    ("kept", "in_integers"),
    [
        ((), {"depth_a", "depth_b"}),
        (["depth_a"], {"depth_b"}),
        (["point_a"], {"depth_b"}),
        (["point_b"], {"depth_a"}),
    ],
)
def test_the_twin_computes_depthwise_in_integers_where_integers_read_it(
    tmp_path, kept, in_integers
):
    graph = read_quantisable(separable(tmp_path / "net.onnx"))
    placement = place(graph, keep_float=kept)
    assert {graph.nodes[index].name for index in placement.cpu.weights} == in_integers
    told = {item.node for item in placement.decisions if "INT8 in the twin" in item.reason}
    assert told == in_integers
    assert not placement.tensorrt.weights


@pytest.mark.parametrize(("made", "group"), [(32, 16), (16, 8)], ids=["two of each", "in pairs"])
def test_other_groups_are_float_in_the_twin_too(tmp_path, made, group):
    def insert(net, x):
        return net.relu(net.conv(x, (16, made), group=group, name="it"))

    found = placed(tmp_path, insert, (1, made, 32, 32))["it"]
    assert not found.int8
    assert "INT8 in the twin" not in found.reason


def test_odd_groups_stay_float_and_even_ones_do_not(tmp_path):
    odd = placed(tmp_path, lambda net, x: net.conv(x, (16, 16), group=8, name="it"))["it"]
    even = placed(tmp_path, lambda net, x: net.conv(x, (16, 16), group=4, name="it"))["it"]
    assert "2 channels per group" in odd.reason
    assert even.int8


def test_narrow_convolutions_stay_float(tmp_path):
    found = placed(tmp_path, lambda net, x: net.conv(x, (16, 8), name="it"), (1, 8, 32, 32))
    assert found["it"].reason.startswith("narrow: 8 channels")


def test_transposed_convolutions_stay_float(tmp_path):
    def insert(net, x):
        return net.op("ConvTranspose", x, net.random(16, 16, 2, 2), name="it", strides=[2, 2])

    assert placed(tmp_path, insert, (1, 16, 64, 64))["it"].reason.startswith("transposed")


def test_attention_softmax_and_norm_stay_float(tmp_path):
    def insert(net, x):
        product = net.op("MatMul", x, net.op("Transpose", x, perm=[0, 1, 3, 2]), name="product")
        return net.op(
            "LayerNormalization", net.op("Softmax", product, name="soft"), ones(net), name="norm"
        )

    def ones(net):
        return net.weight(np.ones(32, np.float32))

    found = placed(tmp_path, insert)
    assert found["product"].reason.startswith("attention")
    assert found["soft"].reason.startswith("softmax")
    assert found["norm"].reason.startswith("normalisation")
    assert not any(found[name].int8 for name in ("product", "soft", "norm"))


def test_a_product_with_one_vector_stays_float(tmp_path):
    def insert(net, x):
        mean = net.op("GlobalAveragePool", x)
        return net.op("Mul", x, net.conv(mean, (16, 16), side=1, name="it"))

    assert placed(tmp_path, insert)["it"].reason.startswith("a matrix times one vector")


def test_products_with_a_matrix_take_the_axis_of_their_outputs(tmp_path):
    net = Net()
    first = net.op("MatMul", "image", net.random(32, 24), name="first")
    rows = net.op("Reshape", first, net.weight(np.array([32, 24])))
    plain = net.op("MatMul", rows, net.random(24, 20), name="plain")
    gemm = net.op("Gemm", plain, net.random(20, 18), name="gemm")
    flipped = net.op("Gemm", gemm, net.random(16, 18), transB=1, name="flipped")
    net.op("MatMul", flipped, net.random(16, 4), name="last")
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {"last": [32, 4]}))
    found = {graph.nodes[index].name: axis for index, axis in place(graph).weights.items()}
    assert found == {"plain": 1, "gemm": 1, "flipped": 0}


def test_a_network_without_anything_to_quantise_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="nothing in this network would become INT8"):
        place(read_quantisable(networks.darkness(tmp_path / "net.onnx")))


def test_a_network_in_halves_is_asked_for_in_fp32(tmp_path):
    model = onnx.load(chain(tmp_path / "net.onnx"))
    for weight in model.graph.initializer:
        halves = numpy_helper.to_array(weight).astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(halves, weight.name))
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(CalibrationError, match=r"its weight is FLOAT16; export") as refused:
        place(read_quantisable(tmp_path / "net.onnx"))
    assert str(refused.value).count("export the network in FP32") == 1, "said once for all"


def test_what_is_asked_for_stays_float(tmp_path):
    graph = read_quantisable(branched(tmp_path / "net.onnx"))
    found = {item.node: item for item in place(graph, ["inn*", "outer"]).decisions}
    assert [found[name].reason for name in ("inner", "outer")] == ["kept in float as asked"] * 2
    assert not found["residual"].int8
    assert found["signed"].int8


def test_a_name_that_fits_nothing_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="no convolution or matrix product is called nobody"):
        place(read_quantisable(branched(tmp_path / "net.onnx")), ["nobody"])
