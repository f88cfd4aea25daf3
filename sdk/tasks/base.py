"""What every task does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from sdk.frame import Frame
from sdk.tensors import Tensors, TensorSpec

Answer = TypeVar("Answer")


class Task(ABC, Generic[Answer]):
    """One clinical question: how a frame becomes tensors, and tensors become an answer.

    A task is made from the options of a manifest. It may remember earlier frames of the run it
    follows; `reset` starts a new run.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The tensors `preprocess` fills. The graph takes exactly these, and the states."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The tensors `postprocess` reads. The graph gives these, and may give more."""

    @property
    @abstractmethod
    def frame_size(self) -> tuple[int, int]:
        """(rows, columns) of a frame that fills the network's input pixel by pixel.

        On such a frame, recorded outputs can be read as an answer.
        """

    @property
    def on_device(self) -> bool:
        """Whether `preprocess` and `postprocess` also work on tensors in a CUDA device's memory.

        Then frames come there too. Otherwise tensors are NumPy arrays, whatever runs the graph.
        """
        return False

    @property
    def states(self) -> Mapping[str, str]:
        """Inputs the graph takes from its own last run: input name -> output name."""
        return {}

    @abstractmethod
    def preprocess(self, frame: Frame, inputs: Tensors) -> None:
        """Fills the inputs of the graph from a frame.

        Raises:
            FrameError: the frame cannot be fed to this network.
        """

    @abstractmethod
    def postprocess(self, outputs: Tensors, frame: Frame) -> Answer:
        """Reads the answer from the outputs of the graph, which the next run overwrites.

        On a device it is here that the host waits, for what `preprocess` and the graph queued too.

        Raises:
            FrameError: only the device could tell that the frame cannot be fed to this network.
        """

    @abstractmethod
    def agreement(self, expected: Answer, got: Answer) -> dict[str, float]:
        """How far two answers on one frame agree: measure -> 0, not at all, to 1, alike."""

    def reset(self) -> None:
        """Forgets the run followed so far."""
