"""Which arteries has this run shown so far, and when did the contrast reach them?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.kernels import Centreline, CentrelineWorkspace, HostCopy
from sdk.tasks.base import Task
from sdk.tasks.normalise import RunNormaliser
from sdk.tasks.vessels import Mask, Reading, VesselReader, Vessels, dice, logit_of
from sdk.tensors import Tensors, TensorSpec

NEVER = -1


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ArteryAnswer:
    """The arteries of a run up to one of its frames, in source pixels.

    Attributes:
        vessels: arteries seen in any frame so far.
        filled: arteries that hold contrast in this frame.
        centreline: lines through `vessels` with the local radius.
        arrival_frame: (rows, columns) int32, the `Frame.index` of the frame in which an artery was
            first seen; -1 where there is none. Frames that are not numbered are counted from 0, as
            they are answered.
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
    anatomy: ClassVar[str] = "ARTERY"

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
    _arrival_ms: NDArray[np.float32] | None = field(init=False, repr=False, default=None)
    _subtracted: bool | None = field(init=False, repr=False, default=None)
    _frames: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        self.size = (self.size[0], self.size[1])
        self.limits = (self.limits[0], self.limits[1])
        self.state_names = tuple(self.state_names)
        if not self.limits[0] < 0.0 < self.limits[1]:
            raise ValueError(f"limits must lie on both sides of 0, got {self.limits}")
        self._normalise = RunNormaliser(self.size, self.noise_spreads, self.limits)
        level = logit_of(self.threshold)
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
        self._arrival = self._arrival_ms = None
        self._frames = 0

    def begins_anew(self, frame: Frame) -> bool:
        """A run whose first frames are its own mask, and native, begins where it is subtracted.

        The other way round there is none: a native frame after subtracted ones is refused.
        """
        return self._subtracted is False and frame.mask is not None

    def remarks(self, frame: Frame) -> tuple[str, ...]:
        assumed = () if frame.mask else ("it has no mask, and is taken as subtracted already",)
        return (*super().remarks(frame), *assumed)

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
        centreline = kernels.centreline(
            vessels.mask, pixel_spacing_mm=frame.pixel_spacing_mm, workspace=self._centreline
        )
        arrival, arrival_ms = self._arrive(vessels.mask, filled.mask, frame)
        return ArteryAnswer(
            vessels=vessels,
            filled=filled,
            centreline=centreline,
            arrival_frame=arrival,
            arrival_ms=arrival_ms,
            frames=self._frames,
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

    def _arrive(
        self, seen: NDArray[np.uint8], filled: NDArray[np.uint8], frame: Frame
    ) -> tuple[NDArray[np.int32], NDArray[np.float32] | None]:
        """Notes where contrast is for the first time; gives what is noted inside the arteries."""
        inside = seen != 0
        if self._arrival is None:
            self._arrival = np.full(seen.shape, NEVER, np.int32)
            self._arrival_ms = np.full(seen.shape, np.nan, np.float32)
        fresh = (inside | (filled != 0)) & (self._arrival == NEVER)
        self._arrival[fresh] = frame.index or self._frames
        self._frames += 1
        arrival = np.where(inside, self._arrival, np.int32(NEVER))
        if frame.time_ms is None or self._arrival_ms is None:
            self._arrival_ms = None
            return arrival, None
        self._arrival_ms[fresh] = frame.time_ms
        return arrival, np.where(inside, self._arrival_ms, np.float32(np.nan))
