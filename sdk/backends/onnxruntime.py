"""Runs ONNX graphs with ONNX Runtime, on the CPU or on a CUDA device."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdk.backends.base import Backend
from sdk.engines.driver import probe_device
from sdk.errors import BackendError, ModelFolderError
from sdk.machine import processor
from sdk.model_folder import sha256_of
from sdk.tensors import TensorSpec, allocate

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


class OnnxRuntimeBackend(Backend):
    """Runs one ONNX graph, with tensors made and bound once.

    On a CUDA device, inputs have a twin in device memory that is filled before each run, and the
    library copies the outputs back into host memory.
    """

    def __init__(
        self,
        graph: Path,
        *,
        provider: str = CPU,
        threads: int | None = None,
        fuse_pairs: bool = True,
    ) -> None:
        """Loads a graph.

        Args:
            graph: path of an ONNX file with static shapes.
            provider: the execution provider that must run it.
            threads: threads inside one operator; None lets the library use every core.
            fuse_pairs: whether Q/DQ pairs become integer operators. The library has those for
                pairs in FP32 only, and fails to load others unless they run as they stand.

        Raises:
            ModelFolderError: the library cannot load the graph, or its shapes are dynamic.
            BackendError: this build of the library would not use `provider`.
        """
        self.name = f"onnxruntime-{provider.removesuffix('ExecutionProvider').lower()}"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = LOG_ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        if not fuse_pairs:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        self._session = _load(graph, provider, options)
        self.inputs = allocate(_spec(node, graph) for node in self._session.get_inputs())
        self.outputs = allocate(_spec(node, graph) for node in self._session.get_outputs())
        self._graph, self._provider = graph, provider
        self._binding = self._session.io_binding()
        self._uploads = self._bind_inputs(DEVICE_MEMORY.get(provider, ""))
        for name, t in self.outputs.items():
            self._binding.bind_output(name, "cpu", 0, t.dtype, t.shape, t.ctypes.data)

    def _bind_inputs(self, memory: str) -> list[tuple[Any, Any]]:
        """Binds host memory, or its twins in the named memory, which are returned with it."""
        if not memory:
            for name, t in self.inputs.items():
                self._binding.bind_input(name, "cpu", 0, t.dtype, t.shape, t.ctypes.data)
            return []
        make = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        uploads = [(make(t.shape, t.dtype, memory, 0), t) for t in self.inputs.values()]
        for name, (twin, _) in zip(self.inputs, uploads, strict=True):
            self._binding.bind_ortvalue_input(name, twin)
        return uploads

    @property
    def identity(self) -> Mapping[str, str]:
        here = {"backend": self.name, "library": f"onnxruntime {VERSION}"}
        device = probe_device() if self._provider == CUDA else processor()
        return here | {"device": str(device), "graph_sha256": sha256_of(self._graph)}

    def run(self) -> None:
        if self._session is None:
            raise BackendError("this backend is closed; open a new session")
        try:
            for twin, tensor in self._uploads:
                twin.update_inplace(tensor)
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # the library raises its own types, without a common base
            raise BackendError(f"ONNX Runtime failed while running: {error}") from error

    def close(self) -> None:
        self._binding = self._session = None
        self._uploads = []


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


def _load(graph: Path, provider: str, options: Any) -> Any:
    check_provider(provider)
    if provider != CPU:
        options.add_session_config_entry(NO_FALLBACK, "1")
    chosen = (provider, PROVIDER_OPTIONS.get(provider, {}))
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=[chosen])
    except Exception as error:  # the library raises its own types, without a common base
        raise ModelFolderError(f"ONNX Runtime cannot load {graph}: {error}") from error
    if session.get_providers()[0] != provider:
        raise BackendError(
            f"asked ONNX Runtime for {provider}, it would run {session.get_providers()}; "
            "see its log for the reason, nothing falls back in silence"
        )
    return session


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
