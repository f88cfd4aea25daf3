"""What every backend does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from sdk.tensors import Tensors


class Backend(ABC):
    """Runs one graph on tensors it owns.

    The tensors are made once, where the library wants them: a task fills `inputs`, calls `run`,
    and reads `outputs` before the next run. Nothing is allocated while frames flow.

    Attributes:
        name: what runs, as every outcome reports it, such as ``onnxruntime-cpu``.
        inputs: tensors by name, zeroed at the beginning.
        outputs: tensors by name.
        precision: of the graph it runs, empty if nobody said so.
        notes: what every outcome must say about it.
    """

    name: str
    inputs: Tensors
    outputs: Tensors
    precision: str = ""
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> Mapping[str, str]:
        """What an acceptance certificate recognises it by: library, device, hash of what runs."""
        return {"backend": self.name}

    def begin_run(self) -> None:  # noqa: B027  most backends have nothing to change
        """The next frame begins another angiographic run: the moment for changes."""

    @abstractmethod
    def run(self) -> None:
        """Computes `outputs` from `inputs`.

        Raises:
            BackendError: the library failed.
        """

    @abstractmethod
    def close(self) -> None:
        """Releases the graph and its memory; may be called twice."""
