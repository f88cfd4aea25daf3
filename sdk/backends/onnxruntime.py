"""Runs ONNX graphs with ONNX Runtime, on the CPU or on a CUDA device."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sdk.backends.base import Backend
from sdk.backends.states import alternate, forget
from sdk.engines.driver import probe_device
from sdk.errors import BackendError, ModelFolderError
from sdk.machine import adds_products_exactly, processor
from sdk.model_folder import sha256_of
from sdk.tensors import Tensors, TensorSpec, allocate

try:
    import onnxruntime
except ImportError as error:
    raise BackendError(
        "running .onnx graphs needs ONNX Runtime: pip install onnxruntime"
    ) from error

VERSION: str = onnxruntime.__version__
DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
}
LOG_ERRORS_ONLY = 3
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
DEVICE_MEMORY = {CUDA: "cuda"}
"""Provider -> the library's name for the memory its inputs are kept in; host memory otherwise."""
PROVIDER_OPTIONS = {CUDA: {"device_id": "0", "use_tf32": "0"}}
"""A graph in float32 is computed in float32."""
NO_FALLBACK = "session.disable_cpu_ep_fallback"
EXACT_SUMS = "session.x64quantprecision"
"""The library turns INT8 weights into UINT8 ones. x86 CPUs without VNNI, which saturate sums of two
8-bit products, then have exact ones; those with VNNI have them anyway, and only get slower."""


class OnnxRuntimeBackend(Backend):
    """Runs one ONNX graph, with tensors made and bound once.

    On a CUDA device, inputs have a twin in device memory that is filled before each run, and the
    library copies the outputs back into host memory; see `onnxruntime_cuda` for tensors that stay
    there.
    """

    def __init__(
        self,
        graph: Path,
        *,
        provider: str = CPU,
        threads: int | None = None,
        fuse_pairs: bool = True,
        exact_sums: bool = True,
    ) -> None:
        """Loads a graph.

        Args:
            graph: path of an ONNX file with static shapes.
            provider: the execution provider that must run it.
            threads: threads inside one operator; None lets the library use every core.
            fuse_pairs: whether Q/DQ pairs become integer operators. The library has those for
                pairs in FP32 only, and fails to load others unless they run as they stand.
            exact_sums: on x86 CPUs without VNNI too; some of the library's own graphs refuse it.

        Raises:
            ModelFolderError: the library cannot load the graph, or its shapes are dynamic.
            BackendError: this build of the library would not use `provider`.
        """
        self.name = f"onnxruntime-{provider.removesuffix('ExecutionProvider').lower()}"
        options = _options(threads, fuse_pairs=fuse_pairs, exact_sums=exact_sums)
        self._session = _load(graph, provider, options, self._provider_options(provider))
        nodes = self._session.get_inputs(), self._session.get_outputs()
        self.inputs: dict[str, Any] = self._make(_spec(node, graph) for node in nodes[0])
        self.outputs: dict[str, Any] = self._make(_spec(node, graph) for node in nodes[1])
        self._graph, self._provider = graph, provider
        self._twins = self._make_twins()
        self._states: list[tuple[Tensors, Tensors]] = []
        self._run_options: Any = None
        self._bindings = [self._bind(self.inputs, self.outputs)]

    @property
    def identity(self) -> Mapping[str, str]:
        here = {"backend": self.name, "library": f"onnxruntime {VERSION}"}
        device = probe_device().identity if self._provider == CUDA else processor()
        return here | {"device": device, "graph_sha256": sha256_of(self._graph)}

    def run(self) -> None:
        if self._session is None:
            raise BackendError("this backend is closed; open a new session")
        try:
            for name, twin in self._twins.items():
                twin.update_inplace(self.inputs[name])
            self._session.run_with_iobinding(self._bindings[0], self._run_options)
        except Exception as error:  # the library raises its own types, without a common base
            raise BackendError(f"ONNX Runtime failed while running: {error}") from error
        self._bindings.reverse()

    def carry(self, states: Mapping[str, str]) -> None:
        if self._twins or not states:  # a state would travel to the device and back in every run
            super().carry(states)
            return
        self._states = alternate(states, self.inputs, self.outputs)
        self._bindings = [
            self._bind({**self.inputs, **read}, {**self.outputs, **written})
            for read, written in self._states
        ]

    def begin_run(self) -> None:
        forget(self._states)

    def close(self) -> None:
        self._session = None
        self._bindings, self._twins = [], {}

    def _bind(self, inputs: Tensors, outputs: Tensors) -> Any:
        """Binds tensors where they lie, and in place of those that have one, their twins."""
        binding = self._session.io_binding()
        for name, t in inputs.items():
            if name in self._twins:
                binding.bind_ortvalue_input(name, self._twins[name])
            else:
                binding.bind_input(name, *self._place(t))
        for name, t in outputs.items():
            binding.bind_output(name, *self._place(t))
        return binding

    def _provider_options(self, provider: str) -> dict[str, str]:
        return PROVIDER_OPTIONS.get(provider, {})

    def _make(self, specs: Iterable[TensorSpec]) -> dict[str, Any]:
        """Zeroed tensors where tasks fill and read them."""
        return dict(allocate(specs))

    def _make_twins(self) -> dict[str, Any]:
        """What is bound in place of inputs in host memory, where the library runs elsewhere."""
        return _twins(self.inputs, DEVICE_MEMORY.get(self._provider, ""))

    def _place(self, tensor: Any) -> tuple[Any, ...]:
        """Memory, device, dtype, shape and address of a tensor, as bindings take them."""
        return "cpu", 0, tensor.dtype, tensor.shape, tensor.ctypes.data


def without_waiting() -> Any:
    """Options of a run that returns when its work is queued in the stream of the provider."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return options


def check_provider(provider: str) -> None:
    """Refuses an execution provider that this build of the library lacks.

    Raises:
        BackendError: it lacks it.
    """
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise BackendError(
            f"this build of ONNX Runtime has no {provider}, it has {', '.join(available)}; "
            "install the build that has it, nothing falls back in silence"
        )


def _options(threads: int | None, *, fuse_pairs: bool, exact_sums: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = LOG_ERRORS_ONLY
    if threads is not None:
        options.intra_op_num_threads = threads
    if exact_sums and not adds_products_exactly():
        options.add_session_config_entry(EXACT_SUMS, "1")
    if not fuse_pairs:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


def _load(graph: Path, provider: str, options: Any, of_provider: dict[str, str]) -> Any:
    check_provider(provider)
    if provider != CPU:
        options.add_session_config_entry(NO_FALLBACK, "1")
    try:
        session = onnxruntime.InferenceSession(
            str(graph), options, providers=[(provider, of_provider)]
        )
    except Exception as error:  # the library raises its own types, without a common base
        raise ModelFolderError(f"ONNX Runtime cannot load {graph}: {error}") from error
    if session.get_providers()[0] != provider:
        raise BackendError(
            f"asked ONNX Runtime for {provider}, it would run {session.get_providers()}; "
            "see its log for the reason, nothing falls back in silence"
        )
    return session


def _twins(tensors: Tensors, memory: str) -> dict[str, Any]:
    """A tensor like each of these in the named memory; none where no memory is named."""
    make = onnxruntime.OrtValue.ortvalue_from_shape_and_type
    return {n: make(t.shape, t.dtype, memory, 0) for n, t in tensors.items()} if memory else {}


def _spec(node: Any, graph: Path) -> TensorSpec:
    if not all(isinstance(extent, int) and extent > 0 for extent in node.shape):
        raise ModelFolderError(
            f"{graph}: tensor {node.name} has the dynamic shape {node.shape}, expected a static "
            "one; import the network with --size to fix it"
        )
    if node.type not in DTYPES:
        raise ModelFolderError(
            f"{graph}: tensor {node.name} is {node.type}, expected one of {', '.join(DTYPES)}"
        )
    return TensorSpec(node.name, tuple(node.shape), DTYPES[node.type])
