"""What every backend does."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from sdk import kernels
from sdk.errors import BackendError
from sdk.tensors import Tensors, TensorSpec


class Backend(ABC):
    """Runs one graph on tensors it owns.

    The tensors are made once, where the library wants them: a task fills `inputs`, calls `run`,
    and reads `outputs` before the next run. Nothing is allocated while frames flow.

    Tensors are NumPy arrays, or arrays in a CUDA device's memory, all in one stream. What fills and
    reads those is queued in that stream, and so is the run: the host waits when it wants an answer.

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
        """Computes `outputs` from `inputs`, or queues that in their stream.

        Raises:
            BackendError: the library failed.
        """

    def check_outputs(self, specs: Iterable[TensorSpec]) -> None:
        """Refuses outputs that are no numbers: no answer can be read from them.

        Those on a CUDA device are not looked at: whoever reads them there looks, see
        `sdk.tasks.vessels.Reading`.

        Raises:
            BackendError: NaN or an infinity is among them.
        """
        for spec in specs:
            tensor = self.outputs[spec.name]
            if not kernels.on_device(tensor) and not np.isfinite(tensor).all():
                raise BackendError(
                    f"{self.name} gave NaN or infinities as {spec.name}, expected numbers; reset "
                    "the session, and if it happens again, use another precision or backend"
                )

    def finish(self) -> None:
        """Waits until what `run` queued is done."""
        with self.errors():
            kernels.wait(next(iter(self.outputs.values()), None))  # all are in one stream

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Says as `BackendError` what a device reports, at whichever call it comes to light.

        Raises:
            BackendError: the device failed.
        """
        try:
            yield
        except RuntimeError as error:
            if not any(map(kernels.on_device, self.inputs.values())):
                raise
            raise BackendError(f"the CUDA device failed on this frame: {error}") from error

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
