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
        self._subtract(frame, self._probe, replace(options, resize="nearest"))
        low, high = kernels.percentiles(
            self._probe,
            self._percentiles,
            irradiated=self._sample_irradiated(frame),
            workspace=self._workspace,
        ).values
        if not high > low:
            raise FrameError(
                f"frame {frame.index}: there is nothing in it, nearly every pixel inside the "
                f"shutter has the same value ({low:g}); expected an image"
            )
        return low, high

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


def reading_of(frame: Frame) -> Subtraction:
    """What a frame says about the meaning of its values."""
    return Subtraction(
        log=frame.mask is not None and frame.intensity is Intensity.LIN,
        inverted=frame.inverted,
        white=frame.white,
        shift_px=frame.mask.shift_px if frame.mask else (0.0, 0.0),
    )
