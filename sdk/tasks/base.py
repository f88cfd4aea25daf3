"""What every task does, and what a graph must fit."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from sdk.frame import Frame
from sdk.tasks.normalise import above_white
from sdk.tensors import Tensors, TensorSpec
from sdk.upload import FrameUpload

Answer = TypeVar("Answer")

ROW_STEP = 8
"""Only every 8th row is checked for impossible values, so that a frame is not read twice."""


class Contract(ABC):
    """What a graph must take and give, and how answers that are read from it are compared."""

    @property
    @abstractmethod
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that are filled. The graph takes exactly these, and the states."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The tensors that are read. The graph gives these, and may give more."""

    @property
    def states(self) -> Mapping[str, str]:
        """Inputs the graph takes from its own last run: input name -> output name."""
        return {}

    @property
    def on_device(self) -> bool:
        """Whether tensors may lie in a CUDA device's memory when they are filled and read.

        Then frames, and the parts of a volume that are needed, come there too. Otherwise tensors
        are NumPy arrays, whatever runs the graph.
        """
        return False

    @abstractmethod
    def rehearse(self, inputs: Tensors, outputs: Tensors) -> None:
        """Does once what every answer needs, so that the first real one finds everything warm."""

    @abstractmethod
    def read(self, outputs: Tensors) -> Any:
        """The answer on recorded inputs, from the outputs of the graph."""

    @abstractmethod
    def agreement(self, expected: Any, got: Any) -> dict[str, float]:
        """How far two answers on the same inputs agree: measure -> 0, not at all, to 1, alike."""


class Task(Contract, Generic[Answer]):
    """One clinical question: how a frame becomes tensors, and tensors become an answer.

    A task is made from the options of a manifest. It may remember earlier frames of the run it
    follows; `reset` starts a new run.
    """

    name: ClassVar[str]
    anatomy: ClassVar[str] = "BLOOD_VESSEL"
    """What its masks show: a name in `sdk.dicom.segmentation.Anatomy`."""

    @property
    @abstractmethod
    def frame_size(self) -> tuple[int, int]:
        """(rows, columns) of a frame that fills the network's input pixel by pixel.

        On such a frame, recorded outputs can be read as an answer.
        """

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

    def reset(self) -> None:
        """Forgets the run followed so far."""

    @property
    def remembers(self) -> bool:
        """Whether an answer depends on the frames of its run so far."""
        return bool(self.states) or type(self).reset is not Task.reset

    def begins_anew(self, frame: Frame) -> bool:  # noqa: ARG002
        """Whether the run followed so far is none that this frame can go on with."""
        return False

    def remarks(self, frame: Frame) -> tuple[str, ...]:
        """What a person should know about the answer on a frame, in words."""
        bright = above_white(frame, ROW_STEP)
        return (bright,) if bright else ()

    def rehearse(self, inputs: Tensors, outputs: Tensors) -> None:
        """Takes a made-up frame through the task."""
        pixels = np.random.default_rng(0).integers(0, 4096, (512, 512), np.uint16)
        frame = FrameUpload()(Frame(pixels=pixels, bits_stored=12), inputs)
        self.preprocess(frame, inputs)
        self.postprocess(outputs, frame)
        self.reset()

    def read(self, outputs: Tensors) -> Answer:
        """The answer on a frame that fills the network's input."""
        return self.postprocess(outputs, Frame(pixels=np.zeros(self.frame_size, np.uint16)))
