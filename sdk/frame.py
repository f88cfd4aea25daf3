"""One frame of an angiographic run: pixels with identity, time, geometry and intensity meaning."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from sdk.errors import FrameError

DTYPES = ("uint8", "uint16")


class Intensity(str, Enum):
    """How a pixel value relates to X-ray intensity, PixelIntensityRelationship (0028,1040)."""

    LIN = "LIN"  # proportional to intensity: subtract in the logarithm
    LOG = "LOG"  # proportional to its logarithm: subtract as it is
    DISP = "DISP"  # made for display, relation unknown: subtract as it is


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Mask:
    """The contrast-free image that is subtracted from a frame (DICOM PS3.3 C.7.6.10).

    Attributes:
        pixels: (rows, columns), shape and dtype of the frame it belongs to.
        shift_px: (row, column) displacement of the mask before it is subtracted, may be sub-pixel.
        frame_indices: the frames of the run that were averaged into it, from 0.
    """

    pixels: Any
    shift_px: tuple[float, float] = (0.0, 0.0)
    frame_indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _as_array(self.pixels))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Frame:
    """Pixels as they leave the detector, with what is needed to measure on them.

    The pixels are never copied or altered. They may be a NumPy array or anything that offers
    ``__cuda_array_interface__``, DLPack or the buffer protocol.

    Attributes:
        pixels: (rows, columns) stored values, uint8 or uint16.
        index: position in the run, from 0.
        time_ms: acquisition time since the first frame of the run, None if unknown.
        pixel_spacing_mm: (row, column) size of a pixel; at the detector unless calibrated.
        bits_stored: significant bits of a stored value, BitsStored (0028,0101).
        intensity: how a stored value relates to X-ray intensity.
        inverted: a larger stored value means less X-ray intensity, as in most MONOCHROME1 images.
        mask: contrast-free image to subtract, None for a native frame.
        irradiated: (rows, columns) uint8, non-zero inside the shutter; None if there is none.
        user: anything of the caller's, carried untouched to the outcome.

    Raises:
        FrameError: what the frame says about itself does not fit together.
    """

    pixels: Any
    index: int = 0
    time_ms: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    bits_stored: int = 0
    intensity: Intensity = Intensity.LIN
    inverted: bool = False
    mask: Mask | None = None
    irradiated: Any = None
    user: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _as_array(self.pixels))
        if self.irradiated is not None:
            object.__setattr__(self, "irradiated", _as_array(self.irradiated))
        shape, dtype = tuple(self.pixels.shape), _dtype_name(self.pixels)
        if len(shape) != 2 or dtype not in DTYPES:
            raise FrameError(
                f"frame {self.index}: pixels must be (rows, columns) uint8 or uint16, "
                f"got {dtype} {shape}; colour or float pixels must be converted explicitly"
            )
        if 0 in shape:
            raise FrameError(f"frame {self.index}: pixels are empty, got shape {shape}")
        self._check_bits(8 if dtype == "uint8" else 16)
        self._check_companion("mask", self.mask.pixels if self.mask else None)
        self._check_companion("irradiated", self.irradiated)
        self._check_spacing()

    def _check_bits(self, allocated: int) -> None:
        if self.bits_stored == 0:
            object.__setattr__(self, "bits_stored", allocated)
        elif not 1 <= self.bits_stored <= allocated:
            raise FrameError(
                f"frame {self.index}: bits_stored must be 1..{allocated} for {allocated}-bit "
                f"pixels, got {self.bits_stored}"
            )

    def _check_companion(self, name: str, pixels: Any) -> None:
        if pixels is not None and tuple(pixels.shape) != self.shape:
            raise FrameError(
                f"frame {self.index}: {name} must have the shape of the pixels, {self.shape}, "
                f"got {tuple(pixels.shape)}"
            )

    def _check_spacing(self) -> None:
        spacing = self.pixel_spacing_mm
        if spacing is not None and not (len(spacing) == 2 and min(spacing) > 0):
            raise FrameError(
                f"frame {self.index}: pixel_spacing_mm must be two positive lengths "
                f"(row, column), got {spacing}; pass None if it is unknown"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])

    @property
    def white(self) -> int:
        """Highest stored value, 2 ** bits_stored - 1."""
        return (1 << self.bits_stored) - 1


ON_CUDA = (2, 13)
"""DLPack's device types of CUDA memory and of CUDA's managed memory."""


def _as_array(pixels: Any) -> Any:
    """What has a shape and a dtype, over the same memory."""
    if hasattr(pixels, "dtype") or hasattr(pixels, "__cuda_array_interface__"):
        return pixels
    if hasattr(pixels, "__dlpack__"):
        if pixels.__dlpack_device__()[0] in ON_CUDA:
            from sdk._native import DeviceArray

            return DeviceArray.view(pixels)
        return np.from_dlpack(pixels)
    try:
        return np.asarray(memoryview(pixels))
    except TypeError as error:
        raise FrameError(
            f"pixels must be an array (NumPy, DLPack, __cuda_array_interface__ or buffer), "
            f"got {type(pixels).__name__}"
        ) from error


def _dtype_name(pixels: Any) -> str:
    if hasattr(pixels, "__cuda_array_interface__"):
        return str(np.dtype(pixels.__cuda_array_interface__["typestr"]))
    return str(pixels.dtype).removeprefix("torch.")
