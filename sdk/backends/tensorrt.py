"""Runs TensorRT engines on a CUDA device."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

from sdk import _native
from sdk.backends.base import Backend
from sdk.backends.tensorrt_layers import LayerReport, make_profiler, parse_layers
from sdk.engines import Device, Plan
from sdk.engines.library import Context, Engine, Inspector, Messages, Module, Runtime, make_logger
from sdk.engines.toolkit import open_toolkit
from sdk.errors import BackendError
from sdk.tensors import TensorSpec

if TYPE_CHECKING:
    from sdk.backends.cuda_memory import CudaStream, CudaTensor

# Our own table: TensorRT's fails on types that NumPy has no name for.
DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
WARM_RUNS = 10
AS_ASKED = "one by one: as asked for"


class TensorRTBackend(Backend):
    """Runs one engine on a stream of its own, with tensors in pinned memory made once.

    Where the kernels were built for CUDA, the copies and kernels of a run are recorded once as a
    CUDA graph and launched together. Addresses and shapes never change in the life of a backend,
    so the recording stays valid.

    Attributes:
        launches: ``as a graph``, or ``one by one`` and why.
    """

    def __init__(
        self, data: bytes, identity: Mapping[str, str] | None = None, *, recorded: bool = True
    ) -> None:
        """Loads an engine; `open_plan` does so with one that was found in the cache.

        Args:
            data: a serialised engine, of which somebody made sure that it belongs here.
            identity: what a certificate recognises it by.
            recorded: launch runs as one CUDA graph, where that is possible.

        Raises:
            BackendError: driver, TensorRT or PyCUDA is missing, or TensorRT refuses the engine.
        """
        self._toolkit = open_toolkit()  # asks the driver before TensorRT is touched
        from sdk.backends.cuda_memory import CudaStream

        self._identity = identity or {"backend": "tensorrt"}
        self.name = self._identity["backend"]
        self._sent: list[CudaTensor] = []
        self._received: list[CudaTensor] = []
        self._graph: Any = None
        self._stream: CudaStream | None = CudaStream()
        try:
            with self._stream.current():
                self._load(data, self._stream)
                self.launches = self._record(self._stream) if recorded else AS_ASKED
        except BackendError:
            self.close()
            raise

    def _load(self, data: bytes, stream: "CudaStream") -> None:
        trt: Module = self._toolkit.trt
        self._messages = Messages()
        self._logger = make_logger(trt, self._messages)
        runtime: Runtime = trt.Runtime(self._logger)
        engine: Engine = runtime.deserialize_cuda_engine(data)
        if engine is None:
            self._refuse("does not take the engine")
        self._runtime, self._engine = runtime, engine
        for spec, is_input in _specs(trt, engine):
            (self._sent if is_input else self._received).append(stream.tensor(spec))
        self.inputs = {tensor.name: tensor.host for tensor in self._sent}
        self.outputs = {tensor.name: tensor.host for tensor in self._received}
        self._context = self._make_context(engine)

    def _make_context(self, engine: Engine) -> Context:
        """An execution context that was told every shape, and then every address."""
        context: Context = engine.create_execution_context()
        if context is None:
            self._refuse("makes no execution context")
        for tensor in self._sent:
            if not context.set_input_shape(tensor.name, tensor.host.shape):
                self._refuse(f"does not take the shape {tensor.host.shape} of {tensor.name}")
        missing = context.infer_shapes()
        if missing:
            self._refuse(f"still wants the shapes of {', '.join(missing)}")
        for tensor in (*self._sent, *self._received):
            if not context.set_tensor_address(tensor.name, tensor.address):
                self._refuse(f"does not take the address of {tensor.name}")
        return context

    def _queue(self, context: Context, stream: "CudaStream") -> None:
        """Queues one run: copies there, kernels, copies back."""
        for tensor in self._sent:
            stream.upload(tensor)
        if not context.execute_async_v3(stream.handle):
            self._refuse("does not run the engine")
        for tensor in self._received:
            stream.download(tensor)

    def _record(self, stream: "CudaStream") -> str:
        """Records a run as a CUDA graph; says how runs are launched from now on."""
        from sdk.backends.cuda_memory import mapped_errors

        self._queue(self._context, stream)  # TensorRT wants one run before a recording
        stream.wait()
        try:
            with mapped_errors("recording"), _native.CudaGraph(stream.handle) as graph:
                self._queue(self._context, stream)
        except (RuntimeError, BackendError) as error:
            return f"one by one: {error}"
        self._graph = graph
        return "as a graph"

    @property
    def identity(self) -> Mapping[str, str]:
        return self._identity

    def run(self) -> None:
        stream = self._open_stream()
        with stream.current():
            if self._graph is None:
                self._queue(self._context, stream)
            else:
                self._graph.launch()
            stream.wait()

    def _open_stream(self) -> "CudaStream":
        if self._stream is None:
            raise BackendError("this backend is closed; open a new session")
        return self._stream

    def layers(self, runs: int) -> LayerReport:
        """Runs the engine and tells what each layer costs, in a context of its own.

        Args:
            runs: over which the times are averaged.

        Raises:
            BackendError: TensorRT refuses.
        """
        trt: Module = self._toolkit.trt
        engine: Engine = self._engine
        stream = self._open_stream()
        with stream.current():
            profiler, times_ms = make_profiler(trt)
            context: Context = self._make_context(engine)
            for _ in range(WARM_RUNS):
                self._queue(context, stream)
            stream.wait()
            context.profiler = profiler
            for _ in range(runs):
                self._queue(context, stream)
                stream.wait()
            inspector: Inspector = engine.create_engine_inspector()
            inspector.execution_context = context
            told = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
        return LayerReport(
            times_ms={name: sum(times) / runs for name, times in times_ms.items()},
            layers=parse_layers(told),
        )

    def _refuse(self, what: str) -> NoReturn:
        raise BackendError(f"TensorRT {what}: {self._messages.errors()}")

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with stream.current():  # memory is given back where the context is current
            self._graph = None
            self._context = self._engine = self._runtime = None
            self._sent, self._received = [], []
            self.inputs, self.outputs = {}, {}
            stream.close()


def open_plan(plan: Plan) -> TensorRTBackend:
    """Loads an engine of the cache.

    Raises:
        BackendError: see `TensorRTBackend`.
    """
    backend = TensorRTBackend(plan.data, identity_of(plan, open_toolkit().device))
    backend.precision = plan.sidecar.precision
    return backend


def identity_of(plan: Plan, device: Device) -> dict[str, str]:
    """What an acceptance certificate recognises an engine on a device by."""
    sidecar = plan.sidecar
    return {
        "backend": f"tensorrt-{sidecar.precision}",
        "library": f"tensorrt {sidecar.machine.tensorrt}",
        "device": str(device),
        "graph_sha256": sidecar.graph_sha256,
        "plan_sha256": sidecar.plan_sha256,
    }


def _specs(trt: Module, engine: Engine) -> Iterator[tuple[TensorSpec, bool]]:
    """Every tensor of an engine, and whether it is an input."""
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))
        dtype = engine.get_tensor_dtype(name).name
        plain = (
            dtype in DTYPES
            and min(shape, default=1) > 0
            and engine.get_tensor_location(name) == trt.TensorLocation.DEVICE
            and engine.get_tensor_format(name) == trt.TensorFormat.LINEAR
        )
        if not plain:
            raise BackendError(
                f"tensor {name} of the engine is {dtype} {list(shape)}, expected one of "
                f"{', '.join(DTYPES)} with a static shape, linear, in device memory"
            )
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        yield TensorSpec(name, shape, DTYPES[dtype]), is_input


def time_ms(data: bytes, runs: int = 50) -> float:
    """Median milliseconds of one run of a serialised engine on this device, copies included.

    Raises:
        BackendError: it cannot be run.
    """
    with closing(TensorRTBackend(data)) as backend:
        for _ in range(WARM_RUNS):
            backend.run()
        times_ms = []
        for _ in range(runs):
            begin = time.perf_counter_ns()
            backend.run()
            times_ms.append((time.perf_counter_ns() - begin) / 1e6)
    return median(times_ms)
