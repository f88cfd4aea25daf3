"""Is this angiogram good enough, and where are its vessels?"""

from dataclasses import dataclass, field
from enum import IntEnum
from math import isfinite
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import BackendError
from sdk.frame import Frame
from sdk.kernels import HostCopy
from sdk.tasks.base import Task
from sdk.tasks.normalise import Normaliser
from sdk.tasks.vessels import VesselReader, Vessels, dice, logit_of
from sdk.tensors import Tensors, TensorSpec


class Grade(IntEnum):
    """Image quality for reading the vessels, worst first."""

    POOR = 0  # repeat
    ACCEPTABLE = 1
    GOOD = 2


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class QualityAnswer:
    """Quality and vessels of one frame.

    Attributes:
        grade: the most probable grade.
        probabilities: chance of each grade in the order of `Grade`, sums to 1.
        vessels: where the vessels are, in source pixels.
    """

    grade: Grade
    probabilities: tuple[float, ...]
    vessels: Vessels


@dataclass(kw_only=True)
class AngiogramQuality(Task[QualityAnswer]):
    """Grades an angiogram and segments its vessels (Huang et al., J. Appl. Sci. 43(4), 2025).

    Attributes:
        size: (rows, columns) of the network's input.
        percentiles: of the frame's values, they become 0 and 1.
        threshold: probability from which a pixel is vessel.
        min_tree_fraction: smallest vessel tree kept, as a fraction of the frame's pixels.
    """

    name: ClassVar[str] = "angiogram_quality"

    size: tuple[int, int] = (512, 512)
    percentiles: tuple[float, float] = (1.0, 99.0)
    threshold: float = 0.5
    min_tree_fraction: float = 5e-4
    _normalise: Normaliser = field(init=False, repr=False)
    _vessels: VesselReader = field(init=False, repr=False)
    _grade_copy: HostCopy = field(init=False, repr=False, default_factory=HostCopy)

    def __post_init__(self) -> None:
        self.size = (self.size[0], self.size[1])
        self._normalise = Normaliser(self.size, self.percentiles)
        level = logit_of(self.threshold)
        self._vessels = VesselReader(level, self.min_tree_fraction)

    @property
    def on_device(self) -> bool:
        return True

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("frame", (1, 1, *self.size)),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("vessels", (1, 1, *self.size)), TensorSpec("grade", (1, len(Grade))))

    @property
    def frame_size(self) -> tuple[int, int]:
        return self.size

    def preprocess(self, frame: Frame, inputs: Tensors) -> None:
        self._normalise(frame, inputs["frame"][0, 0])

    def postprocess(self, outputs: Tensors, frame: Frame) -> QualityAnswer:
        placement = self._normalise.placement(frame.shape)
        reading = self._vessels.read(outputs["vessels"][0, 0], placement, frame)
        logits = self._grade_copy.take(outputs["grade"][0])
        kernels.wait(outputs["vessels"])
        self._normalise.check(frame)
        if not isfinite(sum(logits.tolist())):  # of a device: in host memory they were looked at
            raise BackendError(
                f"the network graded this frame {logits.tolist()}, expected numbers; use another "
                "precision or backend"
            )
        probabilities = softmax(logits)
        return QualityAnswer(
            grade=Grade(int(np.argmax(probabilities))),
            probabilities=tuple(probabilities.tolist()),
            vessels=reading.vessels(),
        )

    def agreement(self, expected: QualityAnswer, got: QualityAnswer) -> dict[str, float]:
        return {
            "dice": dice(expected.vessels.mask, got.vessels.mask),
            "same_grade": float(expected.grade == got.grade),
        }


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of (classes,) logits."""
    weights: NDArray[np.float32] = np.exp(logits - logits.max())
    weights /= weights.sum()
    return weights
