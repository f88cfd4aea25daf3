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
