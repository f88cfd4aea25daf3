"""How large a pixel is, and how the file knows."""

import math
from enum import Enum

from sdk.dicom.header import Header

Spacing = tuple[float, float]
KEYWORDS = (
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "ObjectPixelSpacingInCenterOfBeam",
    "EstimatedRadiographicMagnificationFactor",
    "DistanceSourceToPatient",
    "DistanceSourceToIsocenter",
    "DistanceSourceToDetector",
)
SAME = 0.01
"""Largest difference of spacings that count as the same, as a part of them."""


class SpacingOrigin(str, Enum):
    """Where a pixel spacing comes from, best first; all but the last three hold in the patient."""

    CALIBRATED = "PixelSpacing"  # measured on an object of known size, or by geometry
    OBJECT = "ObjectPixelSpacingInCenterOfBeam"  # the same in enhanced files
    MAGNIFICATION = "ImagerPixelSpacing / EstimatedRadiographicMagnificationFactor"
    DISTANCES = "ImagerPixelSpacing * source-to-patient / source-to-detector distance"
    UNSAID = "PixelSpacing, calibrated or not"
    DETECTOR = "ImagerPixelSpacing"  # at the detector: larger than in the patient
    UNKNOWN = "unknown"

    @property
    def holds_in_patient(self) -> bool:
        """Whether lengths and areas of the patient follow from it."""
        return self not in {self.UNSAID, self.DETECTOR, self.UNKNOWN}


def read_spacing(header: Header, frames: int) -> tuple[Spacing | None, SpacingOrigin]:
    """(row, column) size of a pixel in mm; None if it is unknown or changes inside the run.

    PixelSpacing (0028,0030) counts as calibrated if PixelSpacingCalibrationType (0028,0A02) says
    how, or if it differs from ImagerPixelSpacing (0018,1164) or NominalScannedPixelSpacing
    (0018,2010); without the three it cannot be known (DICOM PS3.3 10.7.1.1). Enhanced files say it
    as ObjectPixelSpacingInCenterOfBeam (0018,9404). Otherwise the spacing at the detector is
    brought to the isocentre by the magnification factor (0018,1114), or by the distances
    (0018,1111), (0018,9402) and (0018,1110). A magnification below 1 cannot be and is passed over.

    Raises:
        DicomError: a spacing is not two positive numbers.
    """
    first, origin = _read(header, 0)
    if first and any(map(header.per_frame, KEYWORDS)):
        others = (_read(header, frame) for frame in range(1, frames))
        if not all(other and _same(other, first) for other, _ in others):
            return None, SpacingOrigin.UNKNOWN
    return first, origin


def _read(header: Header, frame: int) -> tuple[Spacing | None, SpacingOrigin]:
    detector = _pair(header, "ImagerPixelSpacing", frame)
    calibrated = _pair(header, "PixelSpacing", frame)
    stated = header.text("PixelSpacingCalibrationType") != ""
    nominal = detector or _pair(header, "NominalScannedPixelSpacing", frame)
    if calibrated and (stated or (nominal and not _same(calibrated, nominal))):
        return calibrated, SpacingOrigin.CALIBRATED
    if in_beam := _pair(header, "ObjectPixelSpacingInCenterOfBeam", frame):
        return in_beam, SpacingOrigin.OBJECT
    if not detector:
        return calibrated, SpacingOrigin.UNSAID if calibrated else SpacingOrigin.UNKNOWN
    factor = _number(header, "EstimatedRadiographicMagnificationFactor", frame)
    if factor >= 1:
        return _divided(detector, factor), SpacingOrigin.MAGNIFICATION
    source_to_patient = _number(header, "DistanceSourceToPatient", frame) or _number(
        header, "DistanceSourceToIsocenter", frame
    )
    source_to_detector = _number(header, "DistanceSourceToDetector", frame)
    if 0 < source_to_patient <= source_to_detector:
        return _divided(detector, source_to_detector / source_to_patient), SpacingOrigin.DISTANCES
    return detector, SpacingOrigin.DETECTOR


def _same(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=SAME) for a, b in zip(one, other, strict=True))


def _divided(spacing: Spacing, factor: float) -> Spacing:
    return spacing[0] / factor, spacing[1] / factor


def _number(header: Header, keyword: str, frame: int) -> float:
    return header.of_frame(keyword, frame).number(keyword) or 0.0


def _pair(header: Header, keyword: str, frame: int) -> Spacing | None:
    numbers = header.of_frame(keyword, frame).numbers(keyword)
    if not numbers:
        return None
    if len(numbers) != 2 or min(numbers) <= 0:
        header.refuse(keyword, f"must be two positive lengths, got {numbers[:3]}", "correct it")
    return numbers[0], numbers[1]
