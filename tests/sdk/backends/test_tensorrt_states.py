"""What an engine carries changes places on the device, and every recording keeps its addresses."""

import networks
import numpy as np
import pytest
import stand_in_gpu

from sdk import BackendError, ModelFolderError
from sdk.backends import open_backend

STATES = {"highest_in": "highest_out", "frames_in": "frames_out"}


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens an engine of the streaming network on the stand-ins."""
    graph = networks.arteries(tmp_path / "network.onnx", (8, 8))

    def open_on(*, integrated=False, **options):
        (tmp_path / "gpu").mkdir()
        toolkit = stand_in_gpu.install(tmp_path / "gpu", monkeypatch, integrated=integrated)
        from sdk.backends.tensorrt import TensorRTBackend

        backend = TensorRTBackend(stand_in_gpu.serialise(toolkit, graph.read_bytes()), **options)
        backend.carry(STATES)
        return backend

    open_on.graph = graph
    return open_on


def answers(backend, runs=((-2, -5, -3), (-1, -7, -6, -8))):
    """Outputs of two runs of frames, one after the other."""
    found = []
    for run in runs:
        backend.begin_run()
        for value in run:
            backend.inputs["frame"][...] = value
            backend.run()
            found.append({name: tensor.copy() for name, tensor in backend.outputs.items()})
    return found


@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_runs_are_those_of_the_cpu(opened, integrated, recorded):
    cpu = open_backend(opened.graph, threads=1)
    cpu.carry(STATES)
    backend = opened(integrated=integrated, recorded=recorded)
    assert (set(backend.inputs), set(backend.outputs)) == ({"frame"}, {"arteries", "filled"})
    for expected, got in zip(answers(cpu), answers(backend), strict=True):
        for name, value in expected.items():
            np.testing.assert_array_equal(got[name], value)


def test_what_is_carried_never_travels(opened, monkeypatch):
    backend, sent = opened(), []
    upload = backend._stream.upload
    monkeypatch.setattr(
        backend._stream, "upload", lambda tensor: (sent.append(tensor.name), upload(tensor))
    )
    backend.begin_run()
    assert sorted(sent) == sorted([*STATES, *STATES.values()])  # zeroed when a run begins
    sent.clear()
    for _ in range(4):
        backend.run()
    assert set(sent) <= {"frame"}


def test_each_set_of_addresses_has_a_recording_of_its_own(opened):
    backend = opened()
    assert backend._launches.recordings == 0  # the first was made before states were known
    answers(backend)
    assert backend._launches.recordings == 2
    assert backend.launches == "as a graph"
    launches = sum(graph.launches for graph in backend._launches._graphs.values())
    assert launches > 4


def test_a_tensor_that_moves_is_recorded_anew(opened):
    backend = opened()
    expected = answers(backend)
    before = backend._launches.recordings
    with backend._stream.current():
        [old] = backend._sent
        spec = next(iter(open_backend(opened.graph).inputs.values()))
        from sdk.tensors import TensorSpec

        backend._sent = [backend._stream.tensor(TensorSpec(old.name, spec.shape))]
        backend._offer()
    again = answers(backend)
    assert backend._launches.recordings == before + 2
    for first, second in zip(expected, again, strict=True):
        for name, value in first.items():
            np.testing.assert_array_equal(second[name], value)


def test_what_cannot_be_recorded_drops_every_recording(opened, monkeypatch):
    import pycuda_stand_in

    backend = opened()

    def refuse(self, *error):
        self.stream.recording = None
        raise RuntimeError("a layer synchronises")

    monkeypatch.setattr(pycuda_stand_in.CudaGraph, "__exit__", refuse)
    answers(backend)
    assert backend.launches == "one by one: a layer synchronises"
    assert backend._launches.recordings == 0


def test_a_state_that_does_not_fit_is_refused(opened, tmp_path):
    backend = opened()
    with pytest.raises(ModelFolderError, match="same shape and dtype"):
        backend.carry({"frame": "frames_out"})


def test_a_closed_backend_begins_nothing(opened):
    backend = opened()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.begin_run()
