"""From what a session was asked for to a backend that is ready to answer, or the reason why not."""

from dataclasses import dataclass

from sdk.acceptance.engine import TensorRT, open_engine
from sdk.acceptance.warm_up import make_ready
from sdk.backends import LIBRARIES, Backend, open_backend
from sdk.errors import SessionError
from sdk.frame import whole_number
from sdk.model_folder import ModelFolder
from sdk.tasks import Contract
from sdk.tuning import settle

ENGINE = "tensorrt"
BACKENDS = (*LIBRARIES, ENGINE)
"""What a session can be asked for by name."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a session was asked to run.

    Raises:
        SessionError: `threads` is no number of threads.
    """

    backend: str | TensorRT | None = None
    """One of `BACKENDS`, or an engine; None: what was tuned, or the first."""
    precision: str | None = None
    """Which graph of the model folder; None: what was tuned, what the engine was built from, or
    ``fp32``."""
    threads: int | None = None
    """Threads of one inference on the CPU; None lets the library, or the tuning, decide."""

    def __post_init__(self) -> None:
        if self.threads is None:
            return
        threads = whole_number(self.threads)
        if threads is None or threads < 1:
            raise SessionError(
                f"threads must be a whole number from 1 on, got {self.threads!r}; pass None to let "
                "the library decide"
            )
        object.__setattr__(self, "threads", threads)


def open_ready(folder: ModelFolder, contract: Contract, request: Request) -> Backend:
    """Opens what was asked for; it fits its task, computes what was recorded, and is warm.

    Args:
        folder: the model folder, or one of its parts.
        contract: what its graphs must fit, see `sdk.tasks.contract_of`.
        request: which graph, and what runs it.

    Raises:
        ModelFolderError: the folder does not fit its task, or has no such graph.
        BackendError: a library or device is missing, or does not compute what was recorded.
        EngineError: there is no engine, or none that may be used.
    """
    wanted = TensorRT() if request.backend == ENGINE else request.backend
    if isinstance(wanted, TensorRT):
        return open_engine(folder, contract, wanted, request.precision, request.threads)
    setting, notes = settle(folder, request.precision, wanted, request.threads)
    graph = folder.graph(setting.precision)
    backend = open_backend(
        graph, library=setting.library, threads=setting.threads, on_device=contract.on_device
    )
    backend.precision, backend.notes = setting.precision, notes
    return make_ready(backend, folder, contract, setting.precision)
