"""ONNX Runtime runs on the provider that was asked for, or says why not."""

import networks
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from sdk import BackendError, ModelFolderError
from sdk.backends import open_backend
from sdk.backends.onnxruntime import OnnxRuntimeBackend


@pytest.fixture
def graph(tmp_path):
    return networks.darkness(tmp_path / "network.onnx", (8, 8))


def test_a_provider_this_build_lacks_is_refused(graph):
    with pytest.raises(BackendError, match="has no TensorrtExecutionProvider"):
        OnnxRuntimeBackend(graph, provider="TensorrtExecutionProvider")


@pytest.fixture
def as_if_on_a_device(monkeypatch):
    """Host memory stands in for a device's: the way there is the same, the place is not."""
    from sdk.backends import onnxruntime as backend

    monkeypatch.setattr(backend, "DEVICE_MEMORY", {backend.CPU: "cpu"})


@pytest.mark.usefixtures("as_if_on_a_device")
def test_inputs_bound_on_a_device_are_filled_before_each_run(graph):
    backend = OnnxRuntimeBackend(graph)
    assert backend._twins["image"].data_ptr() != backend.inputs["image"].ctypes.data
    logits = backend.outputs["logits"]
    for value, expected in ((0.25, 5.0), (0.75, -5.0)):
        backend.inputs["image"][...] = value
        backend.run()
        assert backend.outputs["logits"] is logits
        np.testing.assert_allclose(logits, expected, rtol=1e-6)


def test_a_certificate_can_recognise_it(graph):
    identity = OnnxRuntimeBackend(graph).identity
    assert identity["backend"] == "onnxruntime-cpu"
    assert identity["library"].startswith("onnxruntime ")
    assert len(identity["graph_sha256"]) == 64
    assert identity["device"]


@pytest.fixture
def stateful(tmp_path):
    backend = open_backend(networks.arteries(tmp_path / "network.onnx", (8, 8)), threads=1)
    backend.carry({"highest_in": "highest_out", "frames_in": "frames_out"})
    return backend


def test_carried_tensors_come_back_in_the_next_run(stateful):
    frame, arteries = stateful.inputs["frame"], stateful.outputs["arteries"]
    highest = 0.0
    for value in (-2.0, -5.0, -3.0, -1.0, -7.0):
        frame[...] = value
        stateful.run()
        highest = max(highest, -value)
        np.testing.assert_array_equal(arteries, np.float32(highest - 1.0))
        np.testing.assert_array_equal(stateful.outputs["filled"], np.float32(-value - 1.0))


def test_another_run_remembers_nothing(stateful):
    for runs in (1, 2):  # whichever of the two sides the state lies on
        stateful.inputs["frame"][...] = -9.0
        for _ in range(runs):
            stateful.run()
        stateful.begin_run()
        stateful.inputs["frame"][...] = -2.0
        stateful.run()
        np.testing.assert_array_equal(stateful.outputs["arteries"], np.float32(1.0))


def test_carried_tensors_are_the_backends_own(stateful):
    assert set(stateful.inputs) == {"frame"}
    assert set(stateful.outputs) == {"arteries", "filled"}


@pytest.mark.parametrize("pair", [{"frames_in": "highest_out"}, {"memory_in": "memory_out"}])
def test_a_state_that_does_not_fit_is_refused(tmp_path, pair):
    backend = open_backend(networks.arteries(tmp_path / "network.onnx", (8, 8)))
    with pytest.raises(ModelFolderError, match="same shape and dtype"):
        backend.carry(pair)


@pytest.mark.usefixtures("as_if_on_a_device")
def test_states_on_a_device_are_refused(tmp_path):
    backend = OnnxRuntimeBackend(networks.arteries(tmp_path / "network.onnx", (8, 8)))
    with pytest.raises(BackendError, match=r"keeps no tensors between frames.*highest_in"):
        backend.carry({"highest_in": "highest_out"})


def largest_sums(path, channels=16):
    """One INT8 convolution whose activations and weights are the largest that there are."""
    constants = {
        "in_scale": np.float32(0.1), "in_zero": np.uint8(0), "out_scale": np.float32(4),
        "out_zero": np.uint8(0), "weight": np.full((channels, channels, 1, 1), 127, np.int8),
        "weight_scale": np.full(channels, 0.01, np.float32),
        "weight_zero": np.zeros(channels, np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "in_scale", "in_zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "in_scale", "in_zero"], ["xd"]),
        helper.make_node(
            "DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["wd"], axis=0
        ),
        helper.make_node("Conv", ["xd", "wd"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "out_scale", "out_zero"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "out_scale", "out_zero"], ["z"]),
    ]
    shape = [1, channels, 8, 8]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "z")]
    stored = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    network = helper.make_graph(nodes, "sums", info[:1], info[1:], stored)
    model = helper.make_model(network, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_sums_of_eight_bit_products_do_not_saturate(tmp_path):
    """On x86 without VNNI they would, at 32767 for two products."""
    backend = OnnxRuntimeBackend(largest_sums(tmp_path / "sums.onnx"))
    backend.inputs["x"][...] = 25.5
    backend.run()
    np.testing.assert_allclose(backend.outputs["z"], 25.5 * 1.27 * 16, atol=2)


@pytest.mark.parametrize("vnni", [True, False])
def test_weights_become_unsigned_only_where_the_processor_needs_it(tmp_path, monkeypatch, vnni):
    """The library does it to `session.x64quantprecision`, which costs time where VNNI is."""
    asked = []

    class Options(onnxruntime.SessionOptions):
        def add_session_config_entry(self, key, value):
            asked.append((key, value))
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    monkeypatch.setattr("sdk.backends.onnxruntime.has_vnni", lambda: vnni)
    OnnxRuntimeBackend(largest_sums(tmp_path / "sums.onnx"))
    assert ("session.x64quantprecision", "0" if vnni else "1") in asked
