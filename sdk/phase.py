"""Stored phase of the three big vendors to radians, with one sign for all.

Sign convention of this SDK: iron gives positive phase in the voxels directly above and below it
along B0 (right-handed). What is known of the vendors comes from public converters and reports:
Siemens stores -4096 to 4094 (0 to 4095 without rescaling), GE and Philips milliradians, newer
Philips exports radians; GE turns the other way than Siemens and Philips (UKRIN-MAPS/ukat issue 33).
It was not checked on data of a scanner here: where it is wrong for yours, give the sign yourself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError

PI = float(np.pi)
SLACK = 1.01
"""Stored values may exceed their range by rounding."""
SIGNS = {"SIEMENS": 1, "PHILIPS": 1, "GE": -1}
"""Sign of stored phase against this SDK's, by manufacturer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseScale:
    """How stored values become radians: (value - zero) * factor, times the sign.

    Attributes:
        name: of the convention, for messages.
        low: smallest stored value.
        high: largest stored value.
        factor: radians per stored value.
        zero: stored value of no phase.
    """

    name: str
    low: float
    high: float
    factor: float
    zero: float = 0.0

    def holds(self, least: float, most: float) -> bool:
        """Whether stored values from `least` to `most` fit."""
        middle, half = (self.low + self.high) / 2, SLACK * (self.high - self.low) / 2
        return middle - half <= least and most <= middle + half


SCALES = (
    PhaseScale(name="radians", low=-PI, high=PI, factor=1.0),
    PhaseScale(name="0 to 4095", low=0, high=4095, factor=PI / 2048, zero=2048),
    PhaseScale(name="milliradians", low=-1000 * PI, high=1000 * PI, factor=1e-3),
    PhaseScale(name="-4096 to 4094", low=-4096, high=4096, factor=PI / 4096),
)
"""Tried in this order, unless the vendor is known."""
SCALES_OF = {"SIEMENS": (1, 3, 0), "PHILIPS": (0, 2), "GE": (2, 0)}
"""Positions in `SCALES`, by manufacturer; any phase may have been converted to radians."""


def vendor_of(manufacturer: str) -> str:
    """SIEMENS, GE or PHILIPS from Manufacturer (0008,0070); "" for another or none."""
    words = manufacturer.upper().replace(",", " ").split()
    return next((name for name in SIGNS if name in words), "")


def to_radians(
    stored: NDArray[np.float32], manufacturer: str = "", *, sign: int | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Phase in radians with this SDK's sign, and what was done, in sentences.

    Args:
        stored: values after the header's slope and intercept.
        manufacturer: as the header says it, "" if it does not.
        sign: 1 or -1 to multiply with, whatever the header says; None to follow the header.

    Raises:
        VolumeError: the values fit no known convention. What is not finite, as which some files
            mark the outside of the brain, stays so and is not looked at.
        ValueError: another sign.
    """
    if sign not in {None, 1, -1}:
        raise ValueError(f"sign must be 1, -1 or None, got {sign}")
    vendor = vendor_of(manufacturer)
    scale = _scale(stored, vendor)
    turn = sign if sign is not None else SIGNS.get(vendor, 1)
    notes = [f"phase was stored as {scale.name} and read as radians"]
    if sign is None and not vendor:
        notes.append("the header does not tell the sign of the phase, it was left as it is")
    elif turn < 0:
        why = "the caller asked for it" if sign is not None else f"{vendor} turns the other way"
        notes.append(f"the sign of the phase was flipped: {why}")
    radians = (stored - np.float32(scale.zero)) * np.float32(scale.factor * turn)
    return np.clip(radians, -PI, PI), tuple(notes)


def _scale(stored: NDArray[np.float32], vendor: str) -> PhaseScale:
    known = np.isfinite(stored)
    least = float(stored.min(where=known, initial=np.inf))
    most = float(stored.max(where=known, initial=-np.inf))
    small = max(abs(least), abs(most)) <= SLACK * PI  # such values fit all scales, and are radians
    candidates = [SCALES[index] for index in SCALES_OF.get(vendor, range(len(SCALES)))]
    for scale in candidates:
        if scale.holds(least, most) and (scale.name == "radians" or not small):
            return scale
    raise VolumeError(
        f"phase values from {least:g} to {most:g} are not "
        f"{', '.join(scale.name for scale in candidates)}{' of ' + vendor if vendor else ''}; "
        "convert them to radians first"
    )
