"""Runs TensorRT engines on a CUDA device."""

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from statistics import median
from typing import TYPE_CHECKING, NoReturn

from sdk import _native
from sdk.backends.base import Backend
from sdk.backends.states import check_pair
from sdk.backends.tensorrt_launches import Launches
from sdk.backends.tensorrt_layers import LayerReport, make_profiler, parse_layers
from sdk.backends.tensorrt_tensors import specs_of_engine
from sdk.engines import Device, Plan
from sdk.engines.library import Context, Engine, Inspector, Messages, Module, Runtime, make_logger
from sdk.engines.toolkit import open_toolkit
from sdk.errors import BackendError

if TYPE_CHECKING:
    from sdk.backends.cuda_memory import CudaStream, CudaTensor, DeviceTensor

    Tensor = CudaTensor | DeviceTensor

WARM_RUNS = 10


class TensorRTBackend(Backend):
    """Runs one engine on a stream of its own, with tensors made once.

    On the device, tensors are arrays in its memory and `run` queues the engine behind what filled
    them. Otherwise they lie in pinned memory, and `run` copies and waits. Where the kernels were
    built for CUDA, what a run queues is recorded as a CUDA graph and launched as a whole.
    """

    def __init__(
        self,
        data: bytes,
        identity: Mapping[str, str] | None = None,
        *,
        recorded: bool = True,
        on_device: bool = False,
    ) -> None:
        """Loads an engine; `open_plan` does so with one that was found in the cache.

        Args:
            data: a serialised engine, of which somebody made sure that it belongs here.
            identity: what a certificate recognises it by.
            recorded: launch runs as one CUDA graph, where that is possible.
            on_device: keep the tensors in device memory; needs kernels built for CUDA.

        Raises:
            BackendError: driver, TensorRT or PyCUDA is missing, or TensorRT refuses the engine.
        """
        self._toolkit = open_toolkit()  # asks the driver before TensorRT is touched
        from sdk.backends.cuda_memory import CudaStream

        self._identity = identity or {"backend": "tensorrt"}
        self.name = self._identity["backend"]
        self._on_device = on_device
        self._states: tuple[str, ...] = ()
        self._sent: list[Tensor] = []
        self._received: list[Tensor] = []
        self._sides: list[dict[str, Tensor]] = [{}]  # what is carried, by tensor name; used in turn
        self._stream: CudaStream | None = CudaStream()
        try:
            with self._stream.current():
                self._launches = Launches(self._stream, recorded=recorded)
                self._load(data, self._stream)
                self._launch(self._stream)
                self._stream.wait()
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
        for spec, is_input in specs_of_engine(trt, engine):
            tensor = stream.tensor(spec, on_device=self._on_device)
            (self._sent if is_input else self._received).append(tensor)
        self._offer()
        self._context = self._make_context(engine)

    def _make_context(self, engine: Engine) -> Context:
        """An execution context that was told every shape, and then every address."""
        context: Context = engine.create_execution_context()
        if context is None:
            self._refuse("makes no execution context")
        for name, shape in self._input_shapes().items():
            if not context.set_input_shape(name, shape):
                self._refuse(f"does not take the shape {shape} of {name}")
        missing = context.infer_shapes()
        if missing:
            self._refuse(f"still wants the shapes of {', '.join(missing)}")
        self._give_addresses(context)
        return context

    def _offer(self) -> None:
        """Shows tasks what they fill and read, which is not what is carried."""
        self.inputs = {tensor.name: tensor.array for tensor in self._sent}
        self.outputs = {tensor.name: tensor.array for tensor in self._received}

    def _bound(self) -> "dict[str, Tensor]":
        """Every tensor of the engine, as the next run sees them."""
        own = {tensor.name: tensor for tensor in (*self._sent, *self._received)}
        return own | self._sides[0]

    def _input_shapes(self) -> dict[str, tuple[int, ...]]:
        bound = self._bound()
        shapes = {name: tuple(tensor.array.shape) for name, tensor in bound.items()}
        return {name: shapes[name] for name in (*self.inputs, *self._states)}

    def _give_addresses(self, context: Context) -> None:
        for name, tensor in self._bound().items():
            if not context.set_tensor_address(name, tensor.address):
                self._refuse(f"does not take the address of {name}")

    def _queue(self, context: Context, stream: "CudaStream") -> None:
        """Queues one run: copies there, kernels, copies back; on the device, kernels alone."""
        for tensor in self._sent:
            stream.upload(tensor)
        if not context.execute_async_v3(stream.handle):
            self._refuse("does not run the engine")
        for tensor in self._received:
            stream.download(tensor)

    def _launch(self, stream: "CudaStream") -> None:
        """Queues one run with the tensors of this turn, and turns."""
        bound = self._bound()

        def queue() -> None:
            if len(self._sides) > 1:
                self._give_addresses(self._context)
            self._queue(self._context, stream)

        self._launches.launch([bound[name].address for name in sorted(bound)], queue)
        self._sides.reverse()

    @property
    def launches(self) -> str:
        """``as a graph``, or ``one by one`` and why."""
        return self._launches.how

    @property
    def identity(self) -> Mapping[str, str]:
        return self._identity

    def run(self) -> None:
        stream = self._open_stream()
        with stream.current():
            self._launch(stream)
            if not self._on_device:
                stream.wait()

    def carry(self, states: Mapping[str, str]) -> None:
        """As of `Backend`: two tensors change places from run to run, where they are."""
        for before, after in states.items():
            check_pair(before, after, self.inputs, self.outputs)
        if not states:
            return
        bound = self._bound()
        ping = {name: bound[name] for pair in states.items() for name in pair}
        partner = {**states, **{after: before for before, after in states.items()}}
        self._sides = [ping, {name: ping[partner[name]] for name in ping}]
        self._states = tuple(states)
        with self._open_stream().current():
            self._launches.forget()  # those so far copy what is carried
        self._sent = [tensor for tensor in self._sent if tensor.name not in ping]
        self._received = [tensor for tensor in self._received if tensor.name not in ping]
        self._offer()

    def begin_run(self) -> None:
        stream = self._open_stream()
        if not self._states:
            return
        with stream.current():
            for tensor in self._sides[0].values():
                stream.clear(tensor)

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
            with suppress(Exception):  # what failed on the device was told by the run
                stream.wait()  # what is queued still uses it
            self._launches.forget()
            self._context = self._engine = self._runtime = None
            self._sent, self._received, self._sides = [], [], [{}]
            self.inputs, self.outputs = {}, {}
            stream.close()


def open_plan(plan: Plan, *, on_device: bool = False) -> TensorRTBackend:
    """Loads an engine of the cache.

    Args:
        plan: the engine.
        on_device: whether who uses it works on tensors in device memory; where the kernels were
            built without CUDA, tensors lie in host memory all the same.

    Raises:
        BackendError: see `TensorRTBackend`.
    """
    identity = identity_of(plan, open_toolkit().device)
    backend = TensorRTBackend(plan.data, identity, on_device=on_device and _native.has_cuda)
    backend.precision = plan.sidecar.precision
    return backend


def identity_of(plan: Plan, device: Device) -> dict[str, str]:
    """What an acceptance certificate recognises an engine on a device by."""
    sidecar = plan.sidecar
    return {
        "backend": f"tensorrt-{sidecar.precision}",
        "library": f"tensorrt {sidecar.machine.tensorrt}",
        "device": device.identity,
        "graph_sha256": sidecar.graph_sha256,
        "plan_sha256": sidecar.plan_sha256,
    }


def time_ms(data: bytes, runs: int = 50) -> float:
    """Median milliseconds of one run of a serialised engine on this device.

    Where the kernels were built for CUDA its tensors stay there, as they do for a session.

    Raises:
        BackendError: it cannot be run.
    """
    with closing(TensorRTBackend(data, on_device=_native.has_cuda)) as backend:
        for _ in range(WARM_RUNS):
            backend.run()
        backend.finish()
        times_ms = []
        for _ in range(runs):
            begin = time.perf_counter_ns()
            backend.run()
            backend.finish()
            times_ms.append((time.perf_counter_ns() - begin) / 1e6)
    return median(times_ms)
