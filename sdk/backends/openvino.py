"""Runs ONNX graphs with OpenVINO on the CPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdk.backends.base import Backend
from sdk.errors import BackendError, ModelFolderError
from sdk.machine import processor
from sdk.model_folder import sha256_of
from sdk.tensors import TensorSpec, allocate

try:
    import openvino
except ImportError as error:
    raise BackendError(
        "running graphs with OpenVINO needs it: pip install 'angioedge[openvino]'"
    ) from error

VERSION: str = openvino.__version__
DTYPES = ("float32", "float16", "uint8", "int64")
DEVICE = "CPU"


class OpenVinoBackend(Backend):
    """Runs one ONNX graph, with tensors in host memory shared once."""

    def __init__(self, graph: Path, *, threads: int | None = None) -> None:
        """Loads a graph.

        Args:
            graph: path of an ONNX file with static shapes.
            threads: threads of one inference; None lets the library use every core.

        Raises:
            ModelFolderError: the library cannot load the graph, or its shapes are dynamic.
        """
        self.name = f"openvino-{DEVICE.lower()}"
        self._graph = graph
        core, model = _read(graph)
        # Compiling joins tensors and their names: only here each has the name the graph gives it.
        self.inputs = allocate(_spec(port, graph) for port in model.inputs)
        self.outputs = allocate(_spec(port, graph) for port in model.outputs)
        self._request = _compile(core, model, graph, threads)
        for index, tensor in enumerate(self.inputs.values()):
            self._request.set_input_tensor(index, openvino.Tensor(tensor, shared_memory=True))
        for index, tensor in enumerate(self.outputs.values()):
            self._request.set_output_tensor(index, openvino.Tensor(tensor, shared_memory=True))

    @property
    def identity(self) -> Mapping[str, str]:
        here = {"backend": self.name, "library": f"openvino {VERSION}", "device": processor()}
        return here | {"graph_sha256": sha256_of(self._graph)}

    def run(self) -> None:
        if self._request is None:
            raise BackendError("this backend is closed; open a new session")
        try:
            self._request.infer()
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed while running: {error}") from error

    def close(self) -> None:
        self._request = None


def _read(graph: Path) -> tuple[Any, Any]:
    core = openvino.Core()
    try:
        return core, core.read_model(graph)
    except RuntimeError as error:
        raise ModelFolderError(f"OpenVINO cannot load {graph}: {error}") from error


def _compile(core: Any, model: Any, graph: Path, threads: int | None) -> Any:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else it takes BF16 where the CPU has it
        "ENABLE_CPU_PINNING": False,  # else two sessions share the same few cores
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    try:
        return core.compile_model(model, DEVICE, settings).create_infer_request()
    except RuntimeError as error:
        raise ModelFolderError(f"OpenVINO cannot run {graph}: {error}") from error


def _spec(port: Any, graph: Path) -> TensorSpec:
    if port.partial_shape.is_dynamic:
        raise ModelFolderError(
            f"{graph}: tensor {port.any_name} has the dynamic shape {port.partial_shape}, expected "
            "a static one; import the network with --size to fix it"
        )
    dtype = port.element_type.to_dtype().name
    if dtype not in DTYPES:
        raise ModelFolderError(
            f"{graph}: tensor {port.any_name} is {dtype}, expected one of {', '.join(DTYPES)}"
        )
    return TensorSpec(port.any_name, tuple(port.shape), dtype)
