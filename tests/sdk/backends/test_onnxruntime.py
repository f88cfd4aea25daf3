"""ONNX Runtime runs on the provider that was asked for, or says why not."""

import networks
import numpy as np
import onnxruntime
import pytest

from sdk import BackendError
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


@pytest.mark.usefixtures("as_if_on_a_device")
def test_states_on_a_device_are_refused(tmp_path):
    backend = OnnxRuntimeBackend(networks.arteries(tmp_path / "network.onnx", (8, 8)))
    with pytest.raises(BackendError, match=r"keeps no tensors between frames.*highest_in"):
        backend.carry({"highest_in": "highest_out"})


@pytest.mark.parametrize("vnni", [True, False])
def test_weights_become_unsigned_only_where_the_processor_needs_it(tmp_path, monkeypatch, vnni):
    """The library does it to `session.x64quantprecision`, which costs time where VNNI is."""
    asked = []

    class Options(onnxruntime.SessionOptions):
        def add_session_config_entry(self, key, value):
            asked.append((key, value))
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    monkeypatch.setattr("sdk.backends.onnxruntime.adds_products_exactly", lambda: vnni)
    OnnxRuntimeBackend(networks.largest_sums(tmp_path / "sums.onnx"))
    assert (("session.x64quantprecision", "1") in asked) is not vnni
