"""Which arteries has this run shown so far, and when did the contrast reach them?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.kernels import Centreline, CentrelineWorkspace, HostCopy
from sdk.tasks.base import Task
from sdk.tasks.normalise import RunNormaliser
from sdk.tasks.vessels import Mask, Reading, VesselReader, Vessels, dice
from sdk.tensors import Tensors, TensorSpec

NEVER = -1


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ArteryAnswer:
    """The arteries of a run up to one of its frames, in source pixels.

    Attributes:
        vessels: arteries seen in any frame so far.
        filled: arteries that hold contrast in this frame.
        centreline: lines through `vessels` with the local radius.
        arrival_frame: (rows, columns) int32, the frame of the run, counted from 0, in which an
            artery was first seen; -1 where there is none.
        arrival_ms: (rows, columns) float32, the time of that frame; NaN where there is none. None
            where a frame of the run came without its time.
        frames: frames of the run answered so far, this one included.
    """

    vessels: Vessels
    filled: Vessels
    centreline: Centreline
    arrival_frame: NDArray[np.int32]
    arrival_ms: NDArray[np.float32] | None
    frames: int


@dataclass(kw_only=True)
class ArterySequence(Task[ArteryAnswer]):
    """Segments the intracranial arteries of a DSA run, frame by frame.

    In the manner of DIAS (Liu et al., Medical Image Analysis 97:103247, 2024), made causal: an
    answer depends on the frames so far and on nothing else.

    Attributes:
        size: (rows, columns) of the network's input.
        noise_spreads: of the first frame's noise, they become 1.
        limits: input values are clipped to these; 0 is the background.
        threshold: probability from which a pixel is artery.
        min_tree_fraction: smallest vessel tree kept, as a fraction of the frame's pixels.
        state_names: what the network remembers; a graph takes each with ``_in`` and gives it with
            ``_out`` behind its name.
    """

    name: ClassVar[str] = "artery_sequence"

    size: tuple[int, int] = (512, 512)
    noise_spreads: float = 8.0
    limits: tuple[float, float] = (-3.0, 1.0)
    threshold: float = 0.5
    min_tree_fraction: float = 2e-4
    state_names: tuple[str, ...] = ()
    _normalise: RunNormaliser = field(init=False, repr=False)
    _readers: tuple[VesselReader, VesselReader] = field(init=False, repr=False)
    _mask_copies: tuple[HostCopy, HostCopy] = field(init=False, repr=False)
    _centreline: CentrelineWorkspace = field(init=False, repr=False)
    _arrival: NDArray[np.int32] | None = field(init=False, repr=False, default=None)
    _subtracted: bool | None = field(init=False, repr=False, default=None)
    _times_ms: list[float | None] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        self.size = (self.size[0], self.size[1])
        self.limits = (self.limits[0], self.limits[1])
        self.state_names = tuple(self.state_names)
        if not self.limits[0] < 0.0 < self.limits[1]:
            raise ValueError(f"limits must lie on both sides of 0, got {self.limits}")
        self._normalise = RunNormaliser(self.size, self.noise_spreads, self.limits)
        level = log(self.threshold / (1.0 - self.threshold))
        self._readers = (
            VesselReader(level, self.min_tree_fraction),
            VesselReader(level, self.min_tree_fraction),
        )
        self._mask_copies = HostCopy(), HostCopy()
        self._centreline = CentrelineWorkspace()

    @property
    def on_device(self) -> bool:
        return True

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec("frame", (1, 1, *self.size)),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        shape = (1, 1, *self.size)
        return (TensorSpec("arteries", shape), TensorSpec("filled", shape))

    @property
    def states(self) -> Mapping[str, str]:
        return {f"{name}_in": f"{name}_out" for name in self.state_names}

    @property
    def frame_size(self) -> tuple[int, int]:
        return self.size

    def reset(self) -> None:
        self._subtracted = None
        self._normalise.reset()
        self._arrival = None
        self._times_ms.clear()

    def begins_anew(self, frame: Frame) -> bool:
        """A run whose first frames are its own mask, and native, begins where it is subtracted."""
        return self._subtracted is False and frame.mask is not None

    def preprocess(self, frame: Frame, inputs: Tensors) -> None:
        if self._arrival is not None and self._arrival.shape != frame.shape:
            raise FrameError(
                f"frame {frame.index}: the run so far has {self._arrival.shape} pixels, this frame "
                f"{frame.shape}; reset the session before another run"
            )
        self._normalise(frame, inputs["frame"][0, 0])
        self._subtracted = frame.mask is not None

    def postprocess(self, outputs: Tensors, frame: Frame) -> ArteryAnswer:
        placement = self._normalise.placement(frame.shape)
        readings = [
            reader.read(outputs[name][0, 0], placement, frame)
            for reader, name in zip(self._readers, ("arteries", "filled"), strict=True)
        ]
        vessels, filled = self._on_host(*readings)
        self._times_ms.append(frame.time_ms)
        arrival = self._arrive(vessels.mask, filled.mask)
        return ArteryAnswer(
            vessels=vessels,
            filled=filled,
            centreline=kernels.centreline(
                vessels.mask, pixel_spacing_mm=frame.pixel_spacing_mm, workspace=self._centreline
            ),
            arrival_frame=arrival,
            arrival_ms=self._time_of(arrival),
            frames=len(self._times_ms),
        )

    def _on_host(self, *readings: Reading) -> list[Vessels]:
        """Waits once for all: arrival times and centrelines are found on the host."""
        masks: list[Mask] = [
            copy.take(reading.mask)
            for copy, reading in zip(self._mask_copies, readings, strict=True)
        ]
        kernels.wait(readings[0].mask)
        return [
            reading.vessels(mask if mask is reading.mask else mask.copy())
            for mask, reading in zip(masks, readings, strict=True)
        ]

    def agreement(self, expected: ArteryAnswer, got: ArteryAnswer) -> dict[str, float]:
        return {
            "dice": dice(expected.vessels.mask, got.vessels.mask),
            "filled_dice": dice(expected.filled.mask, got.filled.mask),
        }

    def _arrive(self, seen: NDArray[np.uint8], filled: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Notes where contrast is for the first time; gives what is noted inside the arteries."""
        if self._arrival is None:
            self._arrival = np.full(seen.shape, NEVER, np.int32)
        fresh = ((seen | filled) != 0) & (self._arrival == NEVER)
        self._arrival[fresh] = len(self._times_ms) - 1
        return np.where(seen != 0, self._arrival, np.int32(NEVER))

    def _time_of(self, arrival: NDArray[np.int32]) -> NDArray[np.float32] | None:
        if None in self._times_ms:
            return None
        return np.array([*self._times_ms, np.nan], np.float32)[arrival]  # NEVER is the last entry
