"""A graph is taken as it is, or refused with the reason."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from small_nets import Net, chain

from calibration.errors import CalibrationError
from calibration.quantisable import read_quantisable


def altered(path, change):
    model = onnx.load(chain(path))
    change(model)
    onnx.save(model, path)
    return path


def test_knows_who_makes_and_who_reads(tmp_path):
    graph = read_quantisable(chain(tmp_path / "net.onnx"))
    assert graph.inputs == ("image",)
    assert graph.producer("logits").op == "Conv"
    assert [node.op for node in graph.readers("middle")] == ["Relu"]
    assert graph.shapes["middle"] == (1, 16, 32, 32)
    assert graph.only_reader("logits") is None


def test_a_constant_node_is_a_constant(tmp_path):
    net = Net()
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [2.0])
    net.op("Mul", "image", net.op("Constant", name="two", value=value), name="twice")
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {"twice": [1, 1, 32, 32]}))
    assert graph.values("two") == np.float32(2)
    assert graph.activations(graph.nodes[-1]) == ("image",)


def test_no_network_is_refused(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(CalibrationError, match="not a valid ONNX network"):
        read_quantisable(tmp_path / "net.onnx")


@pytest.mark.parametrize("opset", [12, 18])
def test_another_opset_is_refused(tmp_path, opset):
    def change(model):
        model.opset_import[0].version = opset

    with pytest.raises(CalibrationError, match=f"has opset {opset}, expected 13 to 17"):
        read_quantisable(altered(tmp_path / "net.onnx", change))


def test_a_dynamic_shape_is_refused(tmp_path):
    def change(model):
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "rows"
        model.graph.output[0].type.tensor_type.shape.dim[2].dim_param = "rows"

    with pytest.raises(CalibrationError, match=r"input image has the dynamic shape .*'rows'"):
        read_quantisable(altered(tmp_path / "net.onnx", change))


def test_a_quantised_graph_is_refused(tmp_path):
    net = Net()
    scale = net.weight(np.float32(0.1))
    net.op("DequantizeLinear", net.op("QuantizeLinear", "image", scale), scale, name="out")
    path = net.save(tmp_path / "net.onnx", {"out": [1, 1, 32, 32]})
    with pytest.raises(CalibrationError, match="quantised already, see QuantizeLinear"):
        read_quantisable(path)


def batch_norm(path, *, behind_convolution):
    net = Net()
    tensor = net.conv("image", (1, 4), name="convolution")
    if not behind_convolution:
        tensor = net.relu(tensor)
    ones = net.weight(np.ones(4, np.float32))
    net.op("BatchNormalization", tensor, *[ones] * 4, name="out")
    return net.save(path, {"out": [1, 4, 32, 32]})


def test_an_unfolded_batch_norm_is_refused(tmp_path):
    with pytest.raises(CalibrationError, match="follows Conv convolution and is not folded"):
        read_quantisable(batch_norm(tmp_path / "net.onnx", behind_convolution=True))


def test_a_batch_norm_that_nothing_can_fold_is_taken(tmp_path):
    assert read_quantisable(batch_norm(tmp_path / "net.onnx", behind_convolution=False)).nodes


def test_networks_of_the_suite_have_the_opset(tmp_path):
    assert networks.OPSET[0].version == 17
    assert read_quantisable(networks.darkness(tmp_path / "net.onnx")).outputs == ("logits",)


def test_equal_weights_that_are_stored_once_belong_to_their_readers(tmp_path):
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    shared = net.weights[-1].name
    middle = net.conv(first, (16, 16), name="middle", bias=False)
    net.nodes[-1].input.append(net.op("Identity", shared, name="again"))
    net.nodes.insert(0, net.nodes.pop())
    net.conv(net.relu(middle), (16, 1), side=1, name="logits")
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {"logits": [1, 1, 32, 32]}))
    assert [node.op for node in graph.nodes] == ["Conv", "Relu", "Conv", "Relu", "Conv"]
    assert np.array_equal(graph.values("again"), graph.values(shared))
    changed = graph.with_values({"again": 2 * graph.values("again")})
    assert np.array_equal(changed.values(shared), graph.values(shared))
