"""What every backend does."""

from abc import ABC, abstractmethod

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

    @abstractmethod
    def close(self) -> None:
        """Releases the graph and its memory; may be called twice."""
