"""ONNX Runtime on tensors that stay on the device: what is bound, where, and in which stream.

The library itself is a stand-in here, which writes down what it is asked; `test_libraries` and
`test_on_device` ask a build that has the provider, where there is one.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from sdk import BackendError, _native, kernels
from sdk.backends import onnxruntime as library
from sdk.backends import open_backend
from sdk.kernels import DeviceArray

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]


class Binding:
    """Writes down what is bound."""

    def __init__(self):
        self.inputs, self.outputs = {}, {}

    def bind_input(self, name, *place):
        self.inputs[name] = place

    def bind_output(self, name, *place):
        self.outputs[name] = place


class InferenceSession:
    """As the library's, with one state."""

    def __init__(self, graph, options, providers):
        self.provider, self.ran = providers[0], []

    def _nodes(self, *names):
        return [SimpleNamespace(name=n, shape=[1, 4], type="tensor(float)") for n in names]

    def get_inputs(self):
        return self._nodes("frame", "memory_in")

    def get_outputs(self):
        return self._nodes("map", "memory_out")

    def get_providers(self):
        return [self.provider[0]]

    def io_binding(self):
        return Binding()

    def run_with_iobinding(self, binding, options):
        self.ran.append((binding, options))


@pytest.fixture
def backend(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "check_provider", lambda provider: None)
    monkeypatch.setattr(library.onnxruntime, "InferenceSession", InferenceSession)
    return open_backend(tmp_path / "graph.onnx", library="onnxruntime-cuda", on_device=True)


def address(tensor):
    return tensor.__cuda_array_interface__["data"][0]


def test_tensors_are_bound_where_they_lie_in_the_stream_that_the_library_computes_in(backend):
    name, options = backend._session.provider
    tensors = {**backend.inputs, **backend.outputs}
    assert (backend.name, name) == ("onnxruntime-cuda", "CUDAExecutionProvider")
    assert {tensor.stream for tensor in tensors.values()} == {int(options["user_compute_stream"])}
    assert options["use_tf32"] == "0"
    [binding] = backend._bindings
    for place, tensors in ((binding.inputs, backend.inputs), (binding.outputs, backend.outputs)):
        for key, tensor in tensors.items():
            assert isinstance(tensor, DeviceArray)
            assert not tensor.numpy().any()
            assert place[key] == ("cuda", 0, np.float32, (1, 4), address(tensor))


def test_a_run_moves_nothing_and_waits_for_nothing(backend):
    before = kernels.device_traffic()
    backend.run()
    assert kernels.device_traffic() == before
    [(_, options)] = backend._session.ran
    assert options.get_run_config_entry("disable_synchronize_execution_providers") == "1"
    backend.finish()
    assert kernels.device_traffic()["waits"] == before["waits"] + 1


def test_what_is_carried_changes_places_on_the_device(backend):
    backend.carry({"memory_in": "memory_out"})
    assert (set(backend.inputs), set(backend.outputs)) == ({"frame"}, {"map"})
    for _ in range(3):
        backend.run()
    sides = [
        (b.inputs["memory_in"][4], b.outputs["memory_out"][4]) for b, _ in backend._session.ran
    ]
    assert sides[0] == sides[1][::-1] == sides[2]
    assert sides[0][0] != sides[0][1]
    states = [tensor for read, _ in backend._states for tensor in read.values()]
    assert len(states) == 2
    for tensor in states:
        kernels.fill(tensor, np.ones((1, 4), np.float32))
    backend.begin_run()
    assert not any(tensor.numpy().any() for tensor in states)


def test_for_a_task_on_the_host_tensors_are_numpys(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "check_provider", lambda provider: None)
    monkeypatch.setattr(library.onnxruntime, "InferenceSession", InferenceSession)
    monkeypatch.setattr(library, "_twins", lambda tensors, memory: {})
    backend = open_backend(tmp_path / "graph.onnx", library="onnxruntime-cuda")
    assert isinstance(backend.inputs["frame"], np.ndarray)


def test_a_closed_backend_says_so(backend):
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.run()


def test_a_stream_of_its_own_is_not_the_default_one():
    assert _native.DeviceStream().handle not in (0, 1)
