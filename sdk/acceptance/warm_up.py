"""What every backend must show: that it fits its task and computes what was recorded."""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from sdk import kernels
from sdk.backends import Backend
from sdk.errors import AngioEdgeError, BackendError, ModelFolderError
from sdk.golden import Golden, relative_difference
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import Contract
from sdk.tensors import Tensors, TensorSpec, specs_of

UNCHECKED = (
    "the model folder has no golden vectors: nothing shows that this machine computes what the "
    "workstation did"
)


def make_ready(
    backend: Backend, folder: ModelFolder, contract: Contract, precision: str, *, check: bool = True
) -> Backend:
    """Takes a backend through all of the below, and closes it if it fails; gives it back."""
    try:
        fit(contract, backend)
        warm_up(backend, folder, precision, check=check)
        if folder.manifest.golden is None:
            backend.notes = (*backend.notes, UNCHECKED)
        with backend.errors():
            contract.rehearse(backend.inputs, backend.outputs)
    except AngioEdgeError:
        backend.close()
        raise
    return backend


def fit(contract: Contract, backend: Backend) -> None:
    """Has a backend carry the states of a task; compares all other tensors with the task's.

    Names, shapes and dtypes count. Called once, before the first frame.

    Raises:
        ModelFolderError: they differ, or the graph has no such states.
        BackendError: the task has states and the backend keeps nothing between frames.
    """
    backend.carry(contract.states)
    inputs, outputs = set(specs_of(backend.inputs)), set(specs_of(backend.outputs))
    if set(contract.inputs) != inputs or not set(contract.outputs) <= outputs:
        raise ModelFolderError(
            "the graph does not fit its task\n"
            f"  the task fills:  {_listed(contract.inputs)}\n"
            f"  the graph takes: {_listed(inputs)}\n"
            f"  the task reads:  {_listed(contract.outputs)}\n"
            f"  the graph gives: {_listed(outputs)}"
        )


def warm_up(backend: Backend, folder: ModelFolder, precision: str, *, check: bool = True) -> None:
    """Runs the golden vectors, or zeros where there are none, and compares what comes out.

    They are the frames of one run, so that what is carried from frame to frame is compared too.

    Args:
        backend: runs the folder's graph of `precision`, or an engine built from it.
        folder: where the golden vectors and their tolerances are.
        precision: chooses the tolerances.
        check: compare; without it the backend is only made warm.

    Raises:
        BackendError: an output differs from what was recorded.
        ModelFolderError: the vectors are of another network.
    """
    golden = folder.manifest.golden or Golden()
    pairs = folder.golden()
    graph = " ".join(filter(None, (part_name(folder), precision)))
    backend.begin_run()
    if not pairs:
        backend.run()
    for index, (inputs, recorded) in enumerate(pairs):
        where = f"{folder.path}, {graph}, golden frame {index}"
        _check_shapes(inputs, backend.inputs, f"{where}: the graph takes")
        _check_shapes(recorded, backend.outputs, f"{where}: the graph gives")
        run_on(backend, inputs)
        for name, expected in recorded.items() if check else ():
            tolerance = golden.tolerance_of(precision, name)
            got = kernels.to_host(backend.outputs[name])
            _compare(expected, got, tolerance, f"{where}: {name}")
    for tensor in backend.inputs.values():
        kernels.clear(tensor)


def run_on(backend: Backend, inputs: dict[str, NDArray[Any]]) -> None:
    """Runs a backend on recorded inputs."""
    for name, tensor in inputs.items():
        kernels.fill(backend.inputs[name], tensor)
    backend.run()


def _listed(specs: Iterable[TensorSpec]) -> str:
    return ", ".join(sorted(map(str, specs)))


def _check_shapes(recorded: Tensors, tensors: Tensors, of: str) -> None:
    for name, array in recorded.items():
        if name not in tensors:
            raise ModelFolderError(
                f"{of} {', '.join(tensors)}, recorded was {name}; the golden vectors are of "
                "another network, write the folder with the tool that made it"
            )
        if array.shape != tuple(tensors[name].shape):
            raise ModelFolderError(
                f"{of} {name} of shape {tuple(tensors[name].shape)}, recorded was {array.shape}; "
                "the golden vectors are of another network, write the folder with the tool that "
                "made it"
            )


def _compare(recorded: NDArray[Any], computed: NDArray[Any], tolerance: float, where: str) -> None:
    worst = relative_difference(recorded, computed)
    if not worst <= tolerance:
        raise BackendError(
            f"{where} differs from what was recorded by {worst:.2e} of its range, expected at most "
            f"{tolerance:.2e}; this library does not compute this graph here as the workstation "
            "did, do not use it"
        )
