"""Runs ONNX graphs with ONNX Runtime."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdk.backends.base import Backend
from sdk.errors import BackendError, ModelFolderError
from sdk.tensors import Tensors, TensorSpec, allocate, specs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

try:
    import onnxruntime
except ImportError as error:
    raise BackendError(
        "running .onnx graphs needs ONNX Runtime: pip install onnxruntime"
    ) from error

DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
}
LOG_ERRORS_ONLY = 3


class OnnxRuntimeBackend(Backend):
    """Runs one ONNX graph, with tensors in host memory bound once."""

    def __init__(
        self, graph: Path, *, provider: str = "CPUExecutionProvider", threads: int | None = None
    ) -> None:
        """Loads a graph.

        Args:
            graph: path of an ONNX file with static shapes.
            provider: the execution provider that must run it.
            threads: threads inside one operator; None lets the library use every core.

        Raises:
            ModelFolderError: the library cannot load the graph, or its shapes are dynamic.
            BackendError: this build of the library would not use `provider`.
        """
        self.name = f"onnxruntime-{provider.removesuffix('ExecutionProvider').lower()}"
        self._session = _load(graph, provider, threads)
        nodes = self._session.get_inputs(), self._session.get_outputs()
        self.inputs: dict[str, NDArray[Any]] = allocate(_spec(node, graph) for node in nodes[0])
        self.outputs: dict[str, NDArray[Any]] = allocate(_spec(node, graph) for node in nodes[1])
        self._states: list[dict[str, Any]] = [{}, {}]
        self._bindings = [self._bind(self.inputs, self.outputs)]

    def run(self) -> None:
        if self._session is None:
            raise BackendError("this backend is closed; open a new session")
        try:
            self._session.run_with_iobinding(self._bindings[0])
        except Exception as error:  # the library raises its own types, without a common base
            raise BackendError(f"ONNX Runtime failed while running: {error}") from error
        self._bindings.reverse()

    def carry(self, states: Mapping[str, str]) -> None:
        for before, after in states.items():
            _check_pair(before, after, self.inputs, self.outputs)
        ping, pong = self._states = [
            {name: self.inputs.pop(name) for name in states},
            {before: self.outputs.pop(after) for before, after in states.items()},
        ]
        self._bindings = [
            self._bind(
                {**self.inputs, **source},
                {**self.outputs, **{states[name]: t for name, t in target.items()}},
            )
            for source, target in ((ping, pong), (pong, ping))
        ]

    def reset(self) -> None:
        for state in (tensor for side in self._states for tensor in side.values()):
            state[...] = 0

    def close(self) -> None:
        self._session = None
        self._bindings = []

    def _bind(self, inputs: Tensors, outputs: Tensors) -> Any:
        binding = self._session.io_binding()
        for name, t in inputs.items():
            binding.bind_input(name, "cpu", 0, t.dtype, t.shape, t.ctypes.data)
        for name, t in outputs.items():
            binding.bind_output(name, "cpu", 0, t.dtype, t.shape, t.ctypes.data)
        return binding


def _load(graph: Path, provider: str, threads: int | None) -> Any:
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise BackendError(
            f"this build of ONNX Runtime has no {provider}, it has {', '.join(available)}; "
            "install the build that has it, nothing falls back in silence"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = LOG_ERRORS_ONLY
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=[provider])
    except Exception as error:  # the library raises its own types, without a common base
        raise ModelFolderError(f"ONNX Runtime cannot load {graph}: {error}") from error
    if session.get_providers()[0] != provider:
        raise BackendError(
            f"asked ONNX Runtime for {provider}, it would run {session.get_providers()}; "
            "see its log for the reason, nothing falls back in silence"
        )
    return session


def _check_pair(before: str, after: str, inputs: Tensors, outputs: Tensors) -> None:
    found = [
        str(replace(spec, name=""))
        for tensors, name in ((inputs, before), (outputs, after))
        for spec in specs_of({name: tensors[name]} if name in tensors else {})
    ]
    if len(found) != 2 or found[0] != found[1]:
        raise ModelFolderError(
            f"the graph must take the state {before} and give it back as {after} with the same "
            f"shape and dtype, found{' and'.join(found) or ' neither'}; export it again"
        )


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
