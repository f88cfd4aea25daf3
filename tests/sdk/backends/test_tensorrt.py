"""Engines run in the order TensorRT asks for, on a stand-in; every refusal has its reason."""

import sys
import threading

import networks
import numpy as np
import pycuda_stand_in
import pytest
import stand_in_gpu
from tensorrt_stand_in import RELEASES

from sdk import BackendError, _native
from sdk.backends import open_backend


@pytest.fixture
def graph(tmp_path):
    return networks.darkness(tmp_path / "network.onnx", (8, 8))


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """Installs the stand-ins and opens an engine of a graph."""

    def open_on(graph, version="10.3.0", *, integrated=False, broken=None, **options):
        (tmp_path / "gpu").mkdir()
        toolkit = stand_in_gpu.install(
            tmp_path / "gpu", monkeypatch, version, integrated=integrated
        )
        if broken:
            owner, method, answer = broken
            monkeypatch.setattr(getattr(toolkit.trt, owner), method, answer)
        from sdk.backends.tensorrt import TensorRTBackend

        content = graph if isinstance(graph, bytes) else graph.read_bytes()
        data = content if isinstance(graph, bytes) else stand_in_gpu.serialise(toolkit, content)
        return TensorRTBackend(data, **options)

    return open_on


def run_on_noise(backend, seed=0):
    image = np.random.default_rng(seed).random(backend.inputs["image"].shape, np.float32)
    np.copyto(backend.inputs["image"], image)
    backend.run()
    return backend.outputs["logits"].copy()


@pytest.mark.parametrize("version", RELEASES)
def test_every_release_answers_as_the_cpu_does(graph, gpu, version):
    expected = run_on_noise(open_backend(graph, threads=1))
    np.testing.assert_array_equal(run_on_noise(gpu(graph, version)), expected)


@pytest.mark.parametrize("integrated", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_each_run_reads_what_is_in_the_inputs_now(graph, gpu, integrated, recorded):
    backend, cpu = gpu(graph, integrated=integrated, recorded=recorded), open_backend(graph)
    for seed in range(3):
        np.testing.assert_array_equal(run_on_noise(backend, seed), run_on_noise(cpu, seed))


def test_tensors_are_made_once_and_begin_at_zero(graph, gpu):
    backend = gpu(graph)
    before = backend.outputs["logits"]
    assert not backend.inputs["image"].any()
    run_on_noise(backend)
    assert backend.outputs["logits"] is before
    assert backend.name == "tensorrt"


def test_an_integrated_device_works_on_the_host_memory_itself(graph, gpu, monkeypatch):
    backend = gpu(graph, integrated=True)
    driver = sys.modules["pycuda.driver"]
    for copy in ("memcpy_htod_async", "memcpy_dtoh_async"):
        monkeypatch.setattr(driver, copy, lambda *_: pytest.fail("a copy that is not needed"))
    run_on_noise(backend)
    assert all(tensor.device is None for tensor in (*backend._sent, *backend._received))


def test_the_stream_is_not_held_up_by_the_default_stream(graph, gpu):
    backend = gpu(graph)
    assert pycuda_stand_in.STREAMS[backend._stream.handle].flags == 1  # CU_STREAM_NON_BLOCKING


def test_a_run_is_recorded_once_and_launched_as_a_graph(graph, gpu):
    backend = gpu(graph)
    assert backend.launches == "as a graph"
    run_on_noise(backend)
    run_on_noise(backend)
    [recording] = backend._launches._graphs.values()
    assert recording.launches == 2
    assert len(recording.work) == 3  # copy there, compute, copy back


@pytest.mark.skipif(_native.has_cuda, reason="the kernels of this build have CUDA")
def test_a_build_without_cuda_says_so():
    with pytest.raises(RuntimeError, match="built without CUDA"):
        _native.CudaGraph(4096)


def test_runs_are_launched_one_by_one_if_asked_for(graph, gpu):
    assert gpu(graph, recorded=False).launches == "one by one: as asked for"


@pytest.mark.parametrize("kind", [RuntimeError, pycuda_stand_in.LogicError])
def test_what_cannot_be_recorded_is_launched_one_by_one_and_says_why(graph, gpu, monkeypatch, kind):
    original = pycuda_stand_in.CudaGraph.__exit__

    def refuse(self, *error):
        original(self, *error)
        raise kind("a layer synchronises")

    monkeypatch.setattr(pycuda_stand_in.CudaGraph, "__exit__", refuse)
    backend = gpu(graph)
    assert backend.launches.startswith("one by one: ")
    assert backend.launches.endswith("a layer synchronises")
    np.testing.assert_array_equal(run_on_noise(backend), run_on_noise(open_backend(graph)))


def test_any_thread_may_run_and_none_keeps_the_context(graph, gpu):
    backend, found = gpu(graph), []

    def run():
        found.append(run_on_noise(backend))
        found.append(len(pycuda_stand_in.CONTEXTS.stack))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    np.testing.assert_array_equal(found[0], run_on_noise(open_backend(graph)))
    assert found[1] == 0
    assert not pycuda_stand_in.CONTEXTS.stack


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (("Runtime", "deserialize_cuda_engine", None), "does not take the engine"),
        (("ICudaEngine", "create_execution_context", None), "makes no execution context"),
        (("IExecutionContext", "set_input_shape", False), r"the shape \(1, 1, 8, 8\) of image"),
        (("IExecutionContext", "infer_shapes", ["image"]), "still wants the shapes of image"),
        (("IExecutionContext", "set_tensor_address", False), "the address of image"),
        (("IExecutionContext", "execute_async_v3", False), "does not run the engine"),
    ],
)
def test_every_refusal_of_tensorrt_is_an_error(graph, gpu, broken, message):
    owner, method, answer = broken
    with pytest.raises(BackendError, match=message):
        gpu(graph, broken=(owner, method, lambda *_: answer))
    assert not pycuda_stand_in.CONTEXTS.stack


def test_a_refusal_carries_the_reason_tensorrt_gave(gpu):
    with pytest.raises(BackendError, match=r"does not take the engine: .*Version tag"):
        gpu(b"no engine")


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("get_tensor_shape", lambda *_: (1, -1, 8, 8)),
        ("get_tensor_location", lambda *_: "HOST"),
        ("get_tensor_format", lambda *_: "CHW32"),
    ],
)
def test_tensors_that_are_not_plain_are_refused(graph, gpu, method, answer):
    with pytest.raises(BackendError, match="with a static shape, linear, in device memory"):
        gpu(graph, broken=("ICudaEngine", method, answer))


def test_a_closed_backend_says_so(graph, gpu):
    backend = gpu(graph)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.run()


def test_closing_waits_for_what_is_queued(graph, gpu):
    """An execution context that goes while the device runs it takes the process with it."""
    backend = gpu(graph)
    stream, done = backend._stream, []
    stream._stream.queued.append(lambda: done.append(True))
    backend.close()
    assert done == [True]


def test_no_driver_is_said_before_any_library_is_touched(graph, monkeypatch):
    from sdk.engines import toolkit

    def no_driver():
        raise BackendError("there is no CUDA driver")

    monkeypatch.setattr(toolkit, "probe_device", no_driver)
    for library in ("tensorrt", "pycuda"):
        monkeypatch.setitem(sys.modules, library, None)  # importing it would raise ImportError
    from sdk.backends.tensorrt import TensorRTBackend

    with pytest.raises(BackendError, match="no CUDA driver"):
        TensorRTBackend(b"")


def test_without_pycuda_the_error_says_what_to_install(graph, gpu, monkeypatch):
    backend = gpu(graph)
    monkeypatch.delitem(sys.modules, "sdk.backends.cuda_memory")
    monkeypatch.delitem(sys.modules, "pycuda.driver")
    monkeypatch.setitem(sys.modules, "pycuda", None)
    with pytest.raises(BackendError, match=r"pip install 'angioedge\[tensorrt\]'"):
        type(backend)(b"")


def test_what_the_driver_refuses_is_an_error_of_the_sdk(graph, gpu, monkeypatch):
    backend = gpu(graph)

    def lost(self):
        raise pycuda_stand_in.LogicError("cuStreamSynchronize failed: device lost")

    monkeypatch.setattr(pycuda_stand_in.Stream, "synchronize", lost)
    with pytest.raises(BackendError, match="device lost"):
        backend.run()
    assert not pycuda_stand_in.CONTEXTS.stack


def test_layers_are_timed_and_described(graph, gpu):
    report = gpu(graph).layers(runs=4)
    assert report.times_ms == {"first": 0.25, "second": 0.5}
    assert [layer["Name"] for layer in report.layers] == ["first", "second"]


def test_a_report_that_cannot_be_read_has_no_layers(graph, gpu):
    backend = gpu(graph, broken=("EngineInspector", "get_engine_information", lambda *_: ""))
    assert backend.layers(runs=1).layers == ()


def test_an_engine_is_timed_by_its_bytes(graph, gpu, tmp_path, monkeypatch):
    gpu(graph)
    from sdk.backends.tensorrt import time_ms

    toolkit = stand_in_gpu.install(tmp_path / "gpu", monkeypatch)
    assert time_ms(stand_in_gpu.serialise(toolkit, graph.read_bytes()), runs=3) > 0
