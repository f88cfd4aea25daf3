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
    """

    name: str
    inputs: Tensors
    outputs: Tensors

    @abstractmethod
    def run(self) -> None:
        """Computes `outputs` from `inputs`.

        Raises:
            BackendError: the library failed.
        """

    def carry(self, states: Mapping[str, str]) -> None:
        """Keeps tensors between runs: each named output is the named input of the next run.

        They leave `inputs` and `outputs`, stay where the library wants them, and are never copied.
        Called once, before the first run.

        Args:
            states: input name -> output name.

        Raises:
            ModelFolderError: the graph has no such input and output of equal shape and dtype.
            BackendError: this backend keeps nothing between runs.
        """
        if states:
            raise BackendError(
                f"{self.name} keeps no tensors between frames, this network needs "
                f"{', '.join(states)}; run it with another backend"
            )

    def reset(self) -> None:  # noqa: B027  most backends keep nothing
        """Starts a new run: every kept tensor becomes zero."""

    @abstractmethod
    def close(self) -> None:
        """Releases the graph and its memory; may be called twice."""
