"""ONNX Runtime runs on the provider that was asked for, or says why not."""

import networks
import pytest

from sdk import BackendError
from sdk.backends.onnxruntime import OnnxRuntimeBackend


def test_a_provider_this_build_lacks_is_refused(tmp_path):
    graph = networks.darkness(tmp_path / "network.onnx", (8, 8))
    with pytest.raises(BackendError, match="has no TensorrtExecutionProvider"):
        OnnxRuntimeBackend(graph, provider="TensorrtExecutionProvider")
