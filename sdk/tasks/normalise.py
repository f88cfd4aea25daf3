"""Brings a frame of any size and brightness to the float image a network was trained on."""

from dataclasses import replace
from math import isnan
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import FrameError
from sdk.frame import Frame, Intensity
from sdk.geometry import Placement
from sdk.kernels import HostCopy, PercentileWorkspace, Subtraction, ThresholdWorkspace

Floats = NDArray[np.float64]

PROBE = (128, 128)


class Normaliser:
    """Subtracts, resizes and windows a frame into a network's input, aspect kept.

    Two percentiles of its values become the span, which nothing leaves; what lies outside the frame
    is the padding.

    A value is the stored value of a native frame, the logarithmic difference from the mask of a
    LIN frame, and the plain difference for LOG and DISP. The window is taken from percentiles of
    the values at a regular grid of 128 x 128 pixels, inside the shutter where there is one.

    Where the network's input lies on a CUDA device, the frame does too, everything is queued in the
    input's stream, and the window is known to the host only after a wait: see `check`.
    """

    def __init__(
        self,
        size: tuple[int, int],
        percentiles: tuple[float, float],
        span: tuple[float, float] = (0.0, 1.0),
        padding: float = 0.0,
        step: tuple[int, int] = (1, 1),
    ) -> None:
        """Takes the network input's (rows, columns), and the step of `Placement.fit`; see above."""
        self._size = size
        self._percentiles = percentiles
        self._span = span
        self._padding = padding
        self._step = step
        self._placement = Placement.fit(size, size, step)
        self._workspace, self._drawing = PercentileWorkspace(), ThresholdWorkspace()
        self._window_copy = HostCopy()
        self._found: Floats | None = None
        self._make_room(np.empty(0))

    def _make_room(self, beside: Any) -> None:
        """Makes the small arrays where the network's input lives."""
        self._probe = kernels.empty_beside(beside, PROBE, np.float32)
        self._probe_shutter = kernels.empty_beside(beside, PROBE, np.float32)
        self._probe_irradiated = kernels.empty_beside(beside, PROBE, np.uint8)
        self._window = kernels.empty_beside(beside, (3,), np.float64)
        self._blank: Any = None

    def placement(self, source: tuple[int, int]) -> Placement:
        """Where a source of (rows, columns) lies in the network's input."""
        if self._placement.source != source:
            self._placement = Placement.fit(source, self._size, self._step)
        return self._placement

    def __call__(self, frame: Frame, out: Any) -> None:
        """Fills `out`, (rows, columns) float32 of the network's input, with values of the span.

        Raises:
            FrameError: the frame cannot be read, or there is nothing in it, see `check`.
        """
        if not kernels.same_place(self._probe, out):
            self._make_room(out)
        placement = self.placement(frame.shape)
        options = reading_of(frame)
        window, options = self._find_window(frame, options)
        if placement.size != self._size:
            self._pad(out)
        windowed = replace(options, clip=True, span=self._span)
        self._subtract(frame, out[placement.window], windowed, window)

    def _pad(self, out: Any) -> None:
        if self._padding == 0.0:
            kernels.clear(out)
            return
        if self._blank is None:
            self._blank = kernels.empty_beside(out, self._size, np.float32)
            kernels.fill(self._blank, np.full(self._size, self._padding, np.float32))
        kernels.fill(out, self._blank)

    def check(self, frame: Frame) -> None:
        """Refuses the frame that was read last, once the host may know its window.

        In host memory that was at once; on a device it is after a `kernels.wait`.

        Raises:
            FrameError: there is nothing in it.
        """
        found, self._found = self._found, None
        if found is not None and not found[1] > found[0]:
            _refuse_flat(frame, found[0], "there is nothing in it", "expected an image")

    def _find_window(self, frame: Frame, options: Subtraction) -> tuple[Any, Subtraction]:
        """What `subtract` takes: a window measured where the frame is, or options that hold it."""
        irradiated = self._probe_frame(frame, options)
        kernels.find_window(
            self._probe,
            self._percentiles,
            out=self._window,
            irradiated=irradiated,
            workspace=self._workspace,
        )
        self._found = self._window_copy.take(self._window)
        if not kernels.on_device(self._window):
            self.check(frame)
        return self._window, options

    def _probe_frame(self, frame: Frame, options: Subtraction) -> Any:
        """Reads the grid of values; gives where it lies inside the shutter, None without one."""
        self._subtract(frame, self._probe, replace(options, resize="nearest"))
        if frame.irradiated is None:
            return None
        if kernels.on_device(frame.irradiated):
            nearest = Subtraction(resize="nearest")
            kernels.subtract(frame.irradiated, self._probe_shutter, options=nearest)
            kernels.threshold(
                self._probe_shutter,
                0.5,
                out=self._probe_irradiated,
                workspace=self._drawing,
                counted=False,
            )
            return self._probe_irradiated
        return self._sample_irradiated(frame)

    def _subtract(self, frame: Frame, out: Any, options: Subtraction, window: Any = None) -> None:
        mask = None if frame.mask is None else frame.mask.pixels
        try:
            kernels.subtract(frame.pixels, out, mask=mask, options=options, window=window)
        except (TypeError, ValueError) as error:
            raise FrameError(f"frame {frame.index}: {error}") from error

    def _sample_irradiated(self, frame: Frame) -> NDArray[np.uint8]:
        rows, columns = (
            (np.arange(probe) * 2 + 1) * source // (2 * probe)
            for probe, source in zip(PROBE, frame.shape, strict=True)
        )
        irradiated: NDArray[np.uint8] = self._probe_irradiated
        np.copyto(irradiated, frame.irradiated[np.ix_(rows, columns)])
        return irradiated


class RunNormaliser(Normaliser):
    """Windows every frame of a run as its first frame asks, so that nothing later shifts it.

    The median of the first frame becomes 0 and `spreads` of its noise become 1, where the noise is
    half the distance of the 16th and the 84th percentile: contrast fills too little of a frame to
    change it much. Values are clipped to `limits`; what lies outside the frame is 0. A frame whose
    values mean something else than those of the first one cannot be windowed like it. The first
    frame of a run is waited for on a device too: a network must not remember one that is refused.
    """

    def __init__(self, size: tuple[int, int], spreads: float, limits: tuple[float, float]) -> None:
        """Takes the network input's (rows, columns), and see above."""
        super().__init__(size, (16.0, 84.0), limits)
        self._spreads, self._limits = spreads, limits
        self._first: tuple[float, float] | None = None
        self._meaning = ""

    def reset(self) -> None:
        """The next frame is the first of a run."""
        self._first = None

    def _find_window(self, frame: Frame, options: Subtraction) -> tuple[Any, Subtraction]:
        if self._first is None:
            irradiated = self._probe_frame(frame, options)
            low, middle, high = kernels.percentiles(
                self._probe,
                (16.0, 50.0, 84.0),
                irradiated=irradiated,
                workspace=self._workspace,
            ).values
            if not high > low:
                _refuse_flat(
                    frame,
                    low,
                    "it is as flat as a frame subtracted from itself",
                    "the run begins with the first frame that shows at least noise",
                )
            unit = self._spreads * (high - low) / 2
            self._first = middle + self._limits[0] * unit, middle + self._limits[1] * unit
            self._meaning = meaning_of(frame)
        elif meaning_of(frame) != self._meaning:
            raise FrameError(
                f"frame {frame.index}: its values are {meaning_of(frame)}, those of the run so far "
                f"{self._meaning}: one window does not fit both; reset the session before another "
                "run"
            )
        return None, replace(options, low=self._first[0], high=self._first[1])


def reading_of(frame: Frame) -> Subtraction:
    """What a frame says about the meaning of its values."""
    return Subtraction(
        log=frame.mask is not None and frame.intensity is Intensity.LIN,
        inverted=frame.inverted,
        white=frame.white,
        shift_px=frame.mask.shift_px if frame.mask else (0.0, 0.0),
    )


def meaning_of(frame: Frame) -> str:
    """What the values are that a frame is windowed by, in words."""
    subtracted = "native" if frame.mask is None else "subtracted"
    inverted = ", inverted" if frame.inverted else ""
    return f"{subtracted} {frame.intensity.value} of {frame.bits_stored} bits{inverted}"


def above_white(frame: Frame, step: int = 1) -> str:
    """What is wrong with values that need more bits than the frame has; empty: nothing.

    Every `step`-th row is looked at, and nothing on a device.
    """
    if kernels.on_device(frame.pixels):
        return ""
    rows = np.asarray(frame.pixels)[::step]
    if frame.white == np.iinfo(rows.dtype).max or (highest := int(rows.max())) <= frame.white:
        return ""
    return (
        f"values up to {highest} are above the {frame.white} that {frame.bits_stored} bits hold; "
        "correct bits_stored"
    )


def _refuse_flat(frame: Frame, value: float, problem: str, advice: str) -> NoReturn:
    """Refuses a frame of one `value`, and says what may have made it so."""
    if isnan(value):
        problem = "its shutter leaves no pixel that the window can be measured on"
        advice = "pass irradiated that is not 0 where the image is, or None"
    else:
        problem = f"{problem}, nearly every pixel inside the shutter has the same value ({value:g})"
        advice = above_white(frame) or advice
    raise FrameError(f"frame {frame.index}: {problem}; {advice}")
