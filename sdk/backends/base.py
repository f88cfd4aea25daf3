"""What every backend does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from sdk.errors import BackendError
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

    def begin_run(self) -> None:  # noqa: B027  most backends have nothing to forget or to change
        """The next frame begins another angiographic run: every carried tensor becomes zero.

        It is also the moment for changes.
        """

    @abstractmethod
    def run(self) -> None:
        """Computes `outputs` from `inputs`.

        Raises:
            BackendError: the library failed.
        """

    def carry(self, states: Mapping[str, str]) -> None:
        """Keeps tensors between frames: each named output is the named input of the next frame.

        They leave `inputs` and `outputs`, stay where the library wants them, and are never copied;
        `begin_run` makes them zero. Called once, before the first frame.

        Args:
            states: input name -> output name.

        Raises:
            ModelFolderError: the graph has no such input and output of equal shape and dtype.
            BackendError: this backend keeps nothing between frames.
        """
        if states:
            raise BackendError(
                f"{self.name} keeps no tensors between frames, this network needs "
                f"{', '.join(states)}; run it with another backend"
            )

    @abstractmethod
    def close(self) -> None:
        """Releases the graph and its memory; may be called twice."""
