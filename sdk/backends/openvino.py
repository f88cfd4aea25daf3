"""Runs ONNX graphs with OpenVINO on the CPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdk.backends.base import Backend
from sdk.backends.states import alternate, forget
from sdk.errors import BackendError, ModelFolderError
from sdk.machine import adds_products_exactly, processor
from sdk.model_folder import sha256_of
from sdk.tensors import Tensors, TensorSpec, allocate

try:
    import openvino
except ImportError as error:
    raise BackendError(
        "running graphs with OpenVINO needs it: pip install 'angioedge[openvino]'"
    ) from error

VERSION: str = openvino.__version__
DTYPES = ("float32", "float16", "uint8", "int64")
DEVICE = "CPU"
IN_INTEGERS = "LP_TRANSFORMS_MODE"
"""Whether the library computes Q/DQ pairs in integers. It has no exact sums for x86 CPUs without
VNNI, which saturate sums of two 8-bit products; there the pairs are computed as they stand."""


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
        self.inputs: dict[str, Any] = dict(allocate(_spec(port, graph) for port in model.inputs))
        self.outputs: dict[str, Any] = dict(allocate(_spec(port, graph) for port in model.outputs))
        self._ports = tuple(self.inputs), tuple(self.outputs)
        self._compiled = _compile(core, model, graph, threads)
        self._states: list[tuple[Tensors, Tensors]] = []
        self._requests = [self._bind(self.inputs, self.outputs)]

    @property
    def identity(self) -> Mapping[str, str]:
        here = {"backend": self.name, "library": f"openvino {VERSION}", "device": processor()}
        return here | {"graph_sha256": sha256_of(self._graph)}

    def run(self) -> None:
        if not self._requests:
            raise BackendError("this backend is closed; open a new session")
        try:
            self._requests[0].infer()
        except RuntimeError as error:
            raise BackendError(f"OpenVINO failed while running: {error}") from error
        self._requests.reverse()

    def carry(self, states: Mapping[str, str]) -> None:
        if not states:
            return
        self._states = alternate(states, self.inputs, self.outputs)
        self._requests = [
            self._bind({**self.inputs, **read}, {**self.outputs, **written})
            for read, written in self._states
        ]

    def begin_run(self) -> None:
        forget(self._states)

    def close(self) -> None:
        self._requests, self._compiled = [], None

    def _bind(self, inputs: Tensors, outputs: Tensors) -> Any:
        """A request on these tensors, where they lie."""
        request = self._compiled.create_infer_request()
        for index, name in enumerate(self._ports[0]):
            request.set_input_tensor(index, openvino.Tensor(inputs[name], shared_memory=True))
        for index, name in enumerate(self._ports[1]):
            request.set_output_tensor(index, openvino.Tensor(outputs[name], shared_memory=True))
        return request


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
        IN_INTEGERS: adds_products_exactly(),
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    try:
        return core.compile_model(model, DEVICE, settings)
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
