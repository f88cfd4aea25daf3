"""ONNX Runtime runs what was asked for, on tensors made once, or says why not."""

import networks
import numpy as np
import pytest

from sdk import BackendError, ModelFolderError
from sdk.backends import open_backend
from sdk.backends.onnxruntime import OnnxRuntimeBackend


@pytest.fixture
def graph(tmp_path):
    return networks.darkness(tmp_path / "network.onnx", (8, 8))


def test_computes_into_the_tensors_it_made(graph):
    backend = open_backend(graph, threads=1)
    image, logits = backend.inputs["image"], backend.outputs["logits"]
    image[...] = 0.25
    backend.run()
    assert backend.outputs["logits"] is logits
    np.testing.assert_allclose(logits, 5.0)
    assert backend.name == "onnxruntime-cpu"


def test_a_provider_this_build_lacks_is_refused(graph):
    with pytest.raises(BackendError, match="has no TensorrtExecutionProvider"):
        OnnxRuntimeBackend(graph, provider="TensorrtExecutionProvider")


def test_dynamic_shapes_are_refused(tmp_path):
    graph = networks.darkness(tmp_path / "network.onnx", ("rows", 8))
    with pytest.raises(ModelFolderError, match="dynamic shape"):
        open_backend(graph)


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelFolderError, match="cannot load"):
        open_backend(path)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ModelFolderError, match=r"expected \.onnx"):
        open_backend(tmp_path / "network.pt")


def test_a_closed_backend_says_so(graph):
    backend = open_backend(graph)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.run()


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


def test_a_reset_forgets(stateful):
    for runs in (1, 2):  # whichever of the two sides the state lies on
        stateful.inputs["frame"][...] = -9.0
        for _ in range(runs):
            stateful.run()
        stateful.reset()
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
