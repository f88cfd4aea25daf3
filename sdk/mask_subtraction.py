"""Items of the DICOM Mask module: which frames of a run are subtracted from which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from sdk.errors import FrameError
from sdk.frame import member_of, shift_of, whole_number

MAX_FRAMES_HELD = 1024


class MaskOperation(str, Enum):
    """MaskOperation (0028,6101), DICOM PS3.3 C.7.6.10.1."""

    AVG_SUB = "AVG_SUB"  # the average of some frames is the mask of all
    TID = "TID"  # every frame has its own mask, a fixed number of frames earlier
    REV_TID = "REV_TID"  # the mask run is walked backwards while the contrast run goes on
    NONE = "NONE"  # frames of these ranges stay native


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSubtraction:
    """One item of MaskSubtractionSequence (0028,6100), DICOM PS3.3 C.7.6.10; frames from 0.

    Attributes:
        operation: how the mask is found; the DICOM term is accepted too, e.g. "AVG_SUB".
        ranges: (first, last) frames it applies to, both included; empty: the whole run.
        mask_frames: frames averaged into the mask of AVG_SUB.
        contrast_frames: frames averaged before the subtraction, ContrastFrameAveraging.
        shift_px: (row, column) displacement of the mask; positive is down and right.
        tid_offset: frames between a mask and its frame; the mask is earlier if positive.

    Raises:
        FrameError: the item contradicts itself.
    """

    operation: MaskOperation
    ranges: tuple[tuple[int, int], ...] = ()
    mask_frames: tuple[int, ...] = ()
    contrast_frames: int = 1
    shift_px: tuple[float, float] = (0.0, 0.0)
    tid_offset: int = 1

    def __post_init__(self) -> None:
        self._set("operation", member_of(MaskOperation, self.operation, "mask subtraction"))
        self._set("shift_px", shift_of(self.shift_px, str(self)))
        self._take_numbers()
        for first, last in self.ranges:
            if not 0 <= first <= last:
                self._refuse(f"a range must be 0 <= first <= last, got {first}..{last}")
        if any(a[0] >= b[0] for a, b in pairwise(self.ranges)):
            self._refuse("ranges must begin in increasing order")
        if self.operation is MaskOperation.AVG_SUB and not self.mask_frames:
            self._refuse("mask_frames must name at least one frame")
        if any(frame < 0 for frame in self.mask_frames):
            self._refuse("mask_frames are counted from 0")
        if self.operation is MaskOperation.REV_TID and not self.ranges:
            self._refuse("ranges must be given")
        if self.operation is MaskOperation.TID and self.tid_offset == 0:
            self._refuse("tid_offset 0 would subtract a frame from itself")
        if self.contrast_frames < 1:
            self._refuse(f"contrast_frames must be at least 1, got {self.contrast_frames}")
        if self.frames_held > MAX_FRAMES_HELD:
            self._refuse(f"it needs {self.frames_held} frames in memory, at most {MAX_FRAMES_HELD}")

    def _take_numbers(self) -> None:
        """Makes tuples of what may be lists, and Python's numbers of NumPy's: items are hashed."""
        ranges = self._listed("ranges", self.ranges)
        ends = tuple(self._numbers("ranges", self._listed("ranges", one)) for one in ranges)
        if any(len(pair) != 2 for pair in ends):
            self._refuse(f"ranges must be pairs (first, last), got {self.ranges!r}")
        frames = self._listed("mask_frames", self.mask_frames)
        self._set("ranges", ends)
        self._set("mask_frames", self._numbers("mask_frames", frames))
        for name in ("contrast_frames", "tid_offset"):
            self._set(name, self._numbers(name, (getattr(self, name),))[0])

    def _listed(self, name: str, values: Any) -> tuple[Any, ...]:
        if not isinstance(values, (Sequence, np.ndarray)) or isinstance(values, str):
            self._refuse(f"{name} must be a sequence, got {values!r}")
        return tuple(values)

    def _numbers(self, name: str, values: Iterable[Any]) -> tuple[int, ...]:
        numbers = []
        for value in values:
            if (number := whole_number(value)) is None:
                self._refuse(f"{name} must be whole numbers, got {value!r}")
            numbers.append(number)
        return tuple(numbers)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _refuse(self, problem: str) -> NoReturn:
        raise FrameError(f"{self}: {problem}")

    def __str__(self) -> str:
        return f"mask subtraction {self.operation.value}"

    def applies_to(self, index: int) -> bool:
        """Whether a frame lies in one of the ranges."""
        return not self.ranges or any(first <= index <= last for first, last in self.ranges)

    def masks_of(self, index: int) -> tuple[int, ...]:
        """The frames a frame's mask is made of, whether or not they exist.

        TID counts back tid_offset frames. REV_TID starts tid_offset before the first frame F of
        the first range and walks back as the contrast run goes on: (F - offset) - (index - F).
        """
        match self.operation:
            case MaskOperation.AVG_SUB:
                return self.mask_frames
            case MaskOperation.TID:
                return (index - self.tid_offset,)
            case MaskOperation.REV_TID:
                return (2 * self.ranges[0][0] - self.tid_offset - index,)
        return ()

    def window_of(self, index: int) -> range:
        """The frames averaged with a frame, itself included, if they are all there."""
        return range(max(0, index - self.contrast_frames + 1), index + 1)

    def last_use(self, index: int) -> int:
        """The last frame that needs a frame, as mask or in its average; -1 for none."""
        last = index + self.contrast_frames - 1 if self.contrast_frames > 1 else -1
        match self.operation:
            case MaskOperation.AVG_SUB if index in self.mask_frames:
                return max(last, *self.mask_frames)
            case MaskOperation.TID if self.applies_to(index + self.tid_offset):
                return max(last, index + self.tid_offset)
            case MaskOperation.REV_TID:
                partner = 2 * self.ranges[0][0] - self.tid_offset - index
                return max(last, partner) if self.applies_to(partner) else last
        return last

    @property
    def frames_held(self) -> int:
        """The most frames that are ever kept in memory for this item."""
        averaged = self.contrast_frames - 1
        match self.operation:
            case MaskOperation.AVG_SUB:
                return averaged + len(self.mask_frames)
            case MaskOperation.TID:
                return averaged + max(0, self.tid_offset)
            case MaskOperation.REV_TID:
                newest = self.ranges[0][0] - self.tid_offset
                oldest = 2 * self.ranges[0][0] - self.tid_offset - max(b for _, b in self.ranges)
                return averaged + max(0, newest - max(0, oldest) + 1)
        return 0
