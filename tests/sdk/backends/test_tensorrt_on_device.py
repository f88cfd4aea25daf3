"""An engine whose tensors stay on the device: kernels before it and behind it, on stand-ins."""

import folders
import networks
import numpy as np
import pytest
import stand_in_gpu
import volume_folders
from folders import SIDE, dark_square

from sdk import Frame, Session, TensorRT, VolumeSession, kernels
from sdk.acceptance import certify
from sdk.kernels import DeviceArray
from sdk.tasks import normalise, parts_of

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]


@pytest.fixture
def toolkit(tmp_path, monkeypatch):
    (tmp_path / "gpu").mkdir()
    return stand_in_gpu.install(tmp_path / "gpu", monkeypatch)


def test_tensors_are_arrays_of_the_device_in_the_stream_of_the_engine(tmp_path, toolkit):
    graph = networks.darkness(tmp_path / "network.onnx", (8, 8))
    from sdk.backends.tensorrt import TensorRTBackend

    backend = TensorRTBackend(stand_in_gpu.serialise(toolkit, graph.read_bytes()), on_device=True)
    image, logits = backend.inputs["image"], backend.outputs["logits"]
    assert isinstance(image, DeviceArray)
    assert image.stream == logits.stream == backend._stream.handle
    assert not image.numpy().any()
    for value, expected in ((0.25, 5.0), (0.75, -5.0)):
        kernels.fill(image, np.full(image.shape, value, np.float32))
        backend.run()
        backend.finish()
        np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-6)
    [recording] = backend._launches._graphs.values()
    assert len(recording.work) == 1  # the engine alone: nothing is copied
    assert recording.launches == 2


def test_a_certified_engine_answers_on_the_device_as_the_cpu_does(tmp_path, toolkit, monkeypatch):
    monkeypatch.setattr(normalise, "PROBE", (16, 16))
    monkeypatch.setattr("sdk.tasks.base.Task.rehearse", lambda task, inputs, outputs: None)
    folder = folders.quality_folder(tmp_path / "model")
    cache = tmp_path / "engines"
    certificate = certify(folder, stand_in_gpu.lay_engine(folder, toolkit, cache), threads=1)
    assert certificate.passed, certificate.shortfalls
    frame = Frame(pixels=dark_square(SIDE))
    with (
        Session(folder.path, backend=TensorRT(cache=cache)) as on_gpu,
        Session(folder.path) as on_cpu,
    ):
        outcome, expected = on_gpu(frame), on_cpu(frame).require()
    got = outcome.require()
    assert outcome.backend == "tensorrt-fp32"
    assert got.vessels.mask_on_device is not None
    assert got.probabilities == expected.probabilities
    np.testing.assert_array_equal(got.vessels.mask, expected.vessels.mask)


@pytest.fixture
def small_volumes(monkeypatch):
    """The emulation takes its time per thread."""
    small = {"tile": [16] * 3, "halo": 4, "slices": 19, "patch": [4, 8, 8], "margin_mm": 0.0}
    monkeypatch.setattr(volume_folders, "TILE", 16)
    monkeypatch.setattr(volume_folders, "PATCH", (4, 8, 8))
    monkeypatch.setattr(volume_folders, "SHAPE", (10, 26, 24))
    monkeypatch.setattr(volume_folders, "OPTIONS", volume_folders.OPTIONS | small)


@pytest.mark.usefixtures("small_volumes")
def test_certified_engines_answer_volumes_on_the_device_as_the_cpu_does(tmp_path, toolkit):
    folder = volume_folders.microbleed_folder(tmp_path / "model")
    cache = tmp_path / "engines"
    for part in parts_of(folder):
        certificate = certify(part, stand_in_gpu.lay_engine(part, toolkit, cache), threads=1)
        assert certificate.passed, certificate.shortfalls
    volume = volume_folders.head((5, 13, 12))
    with (
        VolumeSession(folder.path, backend=TensorRT(cache=cache)) as on_gpu,
        VolumeSession(folder.path) as on_cpu,
    ):
        outcome, expected = on_gpu(volume), on_cpu(volume).require()
        tensors = [tensor for b in on_gpu._backends.values() for tensor in b.inputs.values()]
    assert outcome.backend == "tensorrt-fp32"
    assert all(isinstance(tensor, DeviceArray) for tensor in tensors)
    assert expected.microbleeds
    assert outcome.require().microbleeds == expected.microbleeds
    assert outcome.require().dropped == expected.dropped
