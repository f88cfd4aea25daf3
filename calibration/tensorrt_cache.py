"""Ranges as the text of a TensorRT calibration cache, in and out.

The first line names the calibrator; every other is ``tensor: hhhhhhhh``, the big-endian IEEE-754
bits of the scale, limit / 127. A tensor's name may hold colons.
"""

import re
import struct
from collections.abc import Mapping
from math import isfinite

from calibration.errors import CalibrationError
from calibration.ranges import Range
from calibration.weights import LEVELS

HEADER = "TRT-8601-MinMaxCalibration"
FIRST_LINE = re.compile(r"TRT-\d+-\w+")
BITS = re.compile(r"[0-9a-fA-F]{8}")


def read_cache(text: str) -> dict[str, float]:
    """Tensor -> limit.

    Raises:
        CalibrationError: it is no such text, or a scale is zero, negative, infinite or NaN.
    """
    first, *lines = text.splitlines() or [""]
    if not FIRST_LINE.fullmatch(first.strip()):
        raise CalibrationError(
            f"a TensorRT calibration cache begins with TRT-<version>-<calibrator>, got {first!r}"
        )
    limits: dict[str, float] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        name, colon, bits = (part.strip() for part in line.rpartition(":"))
        if not (name and colon and BITS.fullmatch(bits)):
            raise CalibrationError(
                f"line {number} of the calibration cache must be 'tensor: 8 hexadecimal digits', "
                f"got {line!r}"
            )
        if name in limits:
            raise CalibrationError(f"line {number} of the calibration cache repeats {name}")
        limits[name] = _limit(number, name, bits)
    return limits


def write_cache(ranges: Mapping[str, Range]) -> str:
    """The text for the given ranges."""
    lines = [f"{name}: {_bits(item.limit)}" for name, item in ranges.items()]
    return "\n".join((HEADER, *lines)) + "\n"


def _limit(number: int, name: str, bits: str) -> float:
    scale = float(struct.unpack(">f", bytes.fromhex(bits))[0])
    if not (isfinite(scale) and scale > 0):
        raise CalibrationError(
            f"line {number} of the calibration cache gives {name} the scale {scale}, expected a "
            "finite positive one; the tensor was never seen or overflowed, calibrate again"
        )
    return scale * LEVELS


def _bits(limit: float) -> str:
    return struct.pack(">f", limit / LEVELS).hex()
