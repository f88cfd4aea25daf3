"""One frame of an angiographic run: pixels with identity, time, geometry and intensity meaning."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from operator import index as as_index
from typing import Any, NoReturn, TypeVar

import numpy as np

from sdk.errors import FrameError

Member = TypeVar("Member", bound=Enum)

DTYPES = ("uint8", "uint16")
SWAPPED = np.dtype(np.uint16).newbyteorder().str
"""How NumPy names uint16 in the byte order that this machine does not have."""
LAST_INDEX = 2**31 - 1
"""Positions in a run fit into int32."""


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

    Raises:
        FrameError: the pixels are no array, or the displacement is not two finite numbers.
    """

    pixels: Any
    shift_px: tuple[float, float] = (0.0, 0.0)
    frame_indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _as_array(self.pixels, "the pixels of a mask"))
        object.__setattr__(self, "shift_px", shift_of(self.shift_px, "mask"))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Frame:
    """Pixels as they leave the detector, with what is needed to measure on them.

    The pixels are never copied or altered. They may be a NumPy array or anything that offers
    ``__cuda_array_interface__``, DLPack or the buffer protocol.

    Attributes:
        pixels: (rows, columns) stored values, uint8 or uint16 in the byte order of the machine.
        index: position in the run, from 0. A run whose frames all have index 0 counts as
            unnumbered.
        time_ms: acquisition time since the first frame of the run, finite; None if unknown.
        pixel_spacing_mm: (row, column) size of a pixel; at the detector unless calibrated.
        bits_stored: significant bits of a stored value, BitsStored (0028,0101); 0: all of them.
        intensity: how a stored value relates to X-ray intensity; the DICOM term is accepted
            too, e.g. "LIN".
        inverted: a larger stored value means less X-ray intensity, as in most MONOCHROME1 images.
        mask: contrast-free image to subtract, None for a native frame.
        irradiated: (rows, columns) uint8 or bool, not 0 inside the shutter; None if there is none.
        notes: what was done to the stored image, or could not be, in sentences; the outcome repeats
            them.
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
    notes: tuple[str, ...] = ()
    user: Any = None

    def __post_init__(self) -> None:
        self._check_place()
        self._set("pixels", _as_array(self.pixels, f"frame {self.index}: pixels"))
        self._set("intensity", member_of(Intensity, self.intensity, f"frame {self.index}"))
        self._check_bits(8 if self._check_pixels() == "uint8" else 16)
        self._check_mask()
        self._check_irradiated()
        self._check_spacing()

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _refuse(self, problem: str) -> NoReturn:
        raise FrameError(f"frame {self.index}: {problem}")

    def _check_place(self) -> None:
        index = whole_number(self.index)
        if index is None or not 0 <= index <= LAST_INDEX:
            self._refuse(f"index must be a position in the run, 0..{LAST_INDEX}")
        self._set("index", index)
        if self.time_ms is not None and not _finite(self.time_ms):
            self._refuse(
                f"time_ms must be a finite number of milliseconds, got {self.time_ms!r}; pass None "
                "if it is unknown"
            )
        if self.time_ms is not None:
            self._set("time_ms", float(self.time_ms))

    def _check_pixels(self) -> str:
        shape, dtype = tuple(self.pixels.shape), _dtype_name(self.pixels)
        if dtype == SWAPPED:
            self._refuse(
                "pixels must be in the byte order of this machine, got the other one; pass "
                "pixels.astype(numpy.uint16)"
            )
        if len(shape) != 2 or dtype not in DTYPES:
            self._refuse(
                f"pixels must be (rows, columns) uint8 or uint16, got {dtype} {shape}; colour or "
                "float pixels must be converted explicitly"
            )
        if 0 in shape:
            self._refuse(f"pixels are empty, got shape {shape}")
        return dtype

    def _check_bits(self, allocated: int) -> None:
        bits = whole_number(self.bits_stored)
        if bits is None or not 0 <= bits <= allocated:
            self._refuse(
                f"bits_stored must be 1..{allocated} for {allocated}-bit pixels, or 0 for all, got "
                f"{self.bits_stored!r}"
            )
        self._set("bits_stored", bits or allocated)

    def _check_mask(self) -> None:
        if self.mask is not None and not isinstance(self.mask, Mask):
            self._refuse(f"mask must be an sdk.Mask, got {type(self.mask).__name__}; wrap it")
        if self.mask is not None:
            self._check_shape("mask", self.mask.pixels)

    def _check_irradiated(self) -> None:
        if self.irradiated is None:
            return
        self._set("irradiated", _as_array(self.irradiated, f"frame {self.index}: irradiated"))
        if (dtype := _dtype_name(self.irradiated)) not in ("uint8", "bool"):
            self._refuse(
                f"irradiated must be uint8 or bool, got {dtype}; pass irradiated != 0, or the "
                "comparison that is meant"
            )
        if dtype == "bool":
            self._set("irradiated", self._as_bytes(self.irradiated))
        self._check_shape("irradiated", self.irradiated)

    def _as_bytes(self, flags: Any) -> Any:
        """Flags in host memory as uint8, over the same memory: kernels on a device take no bool."""
        if _on_cuda(flags):
            self._refuse("irradiated must be uint8 on a CUDA device, got bool; convert it there")
        return np.asarray(flags).view(np.uint8)

    def _check_shape(self, name: str, pixels: Any) -> None:
        if tuple(pixels.shape) != self.shape:
            self._refuse(
                f"{name} must have the shape of the pixels, {self.shape}, got {tuple(pixels.shape)}"
            )

    def _check_spacing(self) -> None:
        if self.pixel_spacing_mm is None:
            return
        spacing = _pair_of(self.pixel_spacing_mm)
        if spacing is None or not min(spacing) > 0:
            self._refuse(
                "pixel_spacing_mm must be two positive finite lengths (row, column), got "
                f"{self.pixel_spacing_mm!r}; pass None if it is unknown"
            )
        self._set("pixel_spacing_mm", spacing)

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


def member_of(kind: type[Member], value: Any, owner: str) -> Member:
    """The member of an enumeration that is meant, by itself or by its value.

    Raises:
        FrameError: there is no such member; `owner` begins the sentence.
    """
    if isinstance(value, kind):
        return value
    try:
        return kind(value)
    except ValueError as error:
        name, known = kind.__name__, ", ".join(str(one.value) for one in kind)
        raise FrameError(f"{owner}: expected sdk.{name}, one of {known}, got {value!r}") from error


def whole_number(value: Any) -> int | None:
    """An integer of Python or NumPy as Python's; None for anything else."""
    try:
        return as_index(value)
    except TypeError:
        return None


def shift_of(value: Any, owner: str) -> tuple[float, float]:
    """A displacement in pixels, (row, column).

    Raises:
        FrameError: it is not two finite numbers; `owner` begins the sentence.
    """
    shift = _pair_of(value)
    if shift is None:
        raise FrameError(
            f"{owner}: shift_px must be two finite numbers of pixels (row, column), got {value!r}"
        )
    return shift


def _pair_of(value: Any) -> tuple[float, float] | None:
    """Two finite numbers; None for anything else."""
    try:
        first, second = value
    except (TypeError, ValueError):
        return None
    return (float(first), float(second)) if _finite(first) and _finite(second) else None


def _finite(value: Any) -> bool:
    try:
        return isfinite(value)
    except (TypeError, OverflowError):
        return False


def _as_array(pixels: Any, what: str) -> Any:
    """What has a shape and a dtype, over the same memory."""
    if hasattr(pixels, "dtype") or hasattr(pixels, "__cuda_array_interface__"):
        return pixels
    if hasattr(pixels, "__dlpack__"):
        if _on_cuda(pixels):
            from sdk._native import DeviceArray

            return DeviceArray.view(pixels)
        return np.from_dlpack(pixels)
    try:
        return np.asarray(memoryview(pixels))
    except TypeError as error:
        raise FrameError(
            f"{what} must be an array (NumPy, DLPack, __cuda_array_interface__ or buffer), "
            f"got {type(pixels).__name__}"
        ) from error


def _on_cuda(array: Any) -> bool:
    return hasattr(array, "__cuda_array_interface__") or (
        hasattr(array, "__dlpack_device__") and array.__dlpack_device__()[0] in ON_CUDA
    )


def _dtype_name(pixels: Any) -> str:
    if hasattr(pixels, "__cuda_array_interface__"):
        return str(np.dtype(pixels.__cuda_array_interface__["typestr"]))
    return str(pixels.dtype).removeprefix("torch.")
