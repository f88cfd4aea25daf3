"""Brings a frame of any size and brightness to the float image a network was trained on."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import FrameError
from sdk.frame import Frame, Intensity
from sdk.geometry import Placement
from sdk.kernels import PercentileWorkspace, Subtraction

PROBE = (128, 128)


class Normaliser:
    """Subtracts, resizes and windows a frame into a network's input, aspect kept.

    A value is the stored value of a native frame, the logarithmic difference from the mask of a
    LIN frame, and the plain difference for LOG and DISP. The window is taken from percentiles of
    the values at a regular grid of 128 x 128 pixels, inside the shutter where there is one.
    """

    def __init__(self, size: tuple[int, int], percentiles: tuple[float, float]) -> None:
        """Takes the network input's (rows, columns) and the percentiles that become 0 and 1."""
        self._size = size
        self._percentiles = percentiles
        self._probe = np.empty(PROBE, np.float32)
        self._probe_irradiated = np.empty(PROBE, np.uint8)
        self._placement = Placement.fit(size, size)
        self._workspace = PercentileWorkspace()

    def placement(self, source: tuple[int, int]) -> Placement:
        """Where a source of (rows, columns) lies in the network's input."""
        if self._placement.source != source:
            self._placement = Placement.fit(source, self._size)
        return self._placement

    def __call__(self, frame: Frame, out: NDArray[np.float32]) -> None:
        """Fills `out`, (rows, columns) of the network's input, with values in [0, 1]."""
        placement = self.placement(frame.shape)
        options = reading_of(frame)
        low, high = self._window(frame, options)
        if placement.size != self._size:
            out[...] = 0.0
        windowed = replace(options, low=low, high=high, clip=True)
        self._subtract(frame, out[placement.window], windowed)

    def _window(self, frame: Frame, options: Subtraction) -> tuple[float, float]:
        low, high = self._measure(frame, options, self._percentiles)
        if not high > low:
            raise FrameError(
                f"frame {frame.index}: there is nothing in it, nearly every pixel inside the "
                f"shutter has the same value ({low:g}); expected an image"
            )
        return low, high

    def _measure(
        self, frame: Frame, options: Subtraction, percentiles: tuple[float, ...]
    ) -> tuple[float, ...]:
        self._subtract(frame, self._probe, replace(options, resize="nearest"))
        return kernels.percentiles(
            self._probe,
            percentiles,
            irradiated=self._sample_irradiated(frame),
            workspace=self._workspace,
        ).values

    def _subtract(self, frame: Frame, out: NDArray[np.float32], options: Subtraction) -> None:
        mask = None if frame.mask is None else frame.mask.pixels
        try:
            kernels.subtract(frame.pixels, out, mask=mask, options=options)
        except (TypeError, ValueError) as error:
            raise FrameError(f"frame {frame.index}: {error}") from error

    def _sample_irradiated(self, frame: Frame) -> NDArray[np.uint8] | None:
        if frame.irradiated is None:
            return None
        rows, columns = (
            (np.arange(probe) * 2 + 1) * source // (2 * probe)
            for probe, source in zip(PROBE, frame.shape, strict=True)
        )
        np.copyto(self._probe_irradiated, frame.irradiated[np.ix_(rows, columns)])
        return self._probe_irradiated


class RunNormaliser(Normaliser):
    """Windows every frame of a run as its first frame asks, so that nothing later shifts it.

    The median of the first frame becomes 0 and `spreads` of its noise become 1, where the noise is
    half the distance of the 16th and the 84th percentile: contrast fills too little of a frame to
    change it much. Values are clipped to `limits`; what lies outside the frame is 0.
    """

    def __init__(self, size: tuple[int, int], spreads: float, limits: tuple[float, float]) -> None:
        """Takes the network input's (rows, columns), and see above."""
        super().__init__(size, (16.0, 84.0))
        self._spreads, self._limits = spreads, limits
        self._first: tuple[float, float] | None = None

    def __call__(self, frame: Frame, out: NDArray[np.float32]) -> None:
        """Fills `out`, (rows, columns) of the network's input, with values inside the limits."""
        super().__call__(frame, out)
        low, high = self._limits
        inside = out[self.placement(frame.shape).window]
        inside *= high - low
        inside += low

    def reset(self) -> None:
        """The next frame is the first of a run."""
        self._first = None

    def _window(self, frame: Frame, options: Subtraction) -> tuple[float, float]:
        if self._first is None:
            low, middle, high = self._measure(frame, options, (16.0, 50.0, 84.0))
            if not high > low:
                raise FrameError(
                    f"frame {frame.index}: nearly every pixel has the same value ({low:g}), as in "
                    "a frame subtracted from itself; the run begins with the first frame that "
                    "shows at least noise"
                )
            unit = self._spreads * (high - low) / 2
            self._first = middle + self._limits[0] * unit, middle + self._limits[1] * unit
        return self._first


def reading_of(frame: Frame) -> Subtraction:
    """What a frame says about the meaning of its values."""
    return Subtraction(
        log=frame.mask is not None and frame.intensity is Intensity.LIN,
        inverted=frame.inverted,
        white=frame.white,
        shift_px=frame.mask.shift_px if frame.mask else (0.0, 0.0),
    )
