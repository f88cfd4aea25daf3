"""How large a pixel is, and how the file knows."""

from enum import Enum

from sdk.dicom.header import Header

Spacing = tuple[float, float]


class SpacingOrigin(str, Enum):
    """Where a pixel spacing comes from, best first; only the first three hold in the patient."""

    CALIBRATED = "PixelSpacing"  # measured on an object of known size, or by geometry
    MAGNIFICATION = "ImagerPixelSpacing / EstimatedRadiographicMagnificationFactor"
    DISTANCES = "ImagerPixelSpacing * source-to-patient / source-to-detector distance"
    DETECTOR = "ImagerPixelSpacing"  # at the detector: larger than in the patient
    UNKNOWN = "unknown"


def read_spacing(header: Header) -> tuple[Spacing | None, SpacingOrigin]:
    """(row, column) size of a pixel in mm, of the first frame.

    PixelSpacing (0028,0030) counts as calibrated if PixelSpacingCalibrationType (0028,0A02) says
    how, or if it differs from ImagerPixelSpacing (0018,1164) (DICOM PS3.3 10.7.1.3). Otherwise the
    spacing at the detector is brought to the isocentre by the magnification factor (0018,1114), or
    by the distances (0018,1111), (0018,9402) and (0018,1110). A magnification below 1 cannot be
    and is passed over.

    Raises:
        DicomError: a spacing is not two positive numbers.
    """
    detector = _pair(header, "ImagerPixelSpacing")
    calibrated = _pair(header, "PixelSpacing")
    if calibrated and (header.text("PixelSpacingCalibrationType") or calibrated != detector):
        return calibrated, SpacingOrigin.CALIBRATED
    if not detector:
        return None, SpacingOrigin.UNKNOWN
    factor = _number(header, "EstimatedRadiographicMagnificationFactor")
    if factor >= 1:
        return _divided(detector, factor), SpacingOrigin.MAGNIFICATION
    source_to_patient = _number(header, "DistanceSourceToPatient") or _number(
        header, "DistanceSourceToIsocenter"
    )
    source_to_detector = _number(header, "DistanceSourceToDetector")
    if 0 < source_to_patient <= source_to_detector:
        return _divided(detector, source_to_detector / source_to_patient), SpacingOrigin.DISTANCES
    return detector, SpacingOrigin.DETECTOR


def _divided(spacing: Spacing, factor: float) -> Spacing:
    return spacing[0] / factor, spacing[1] / factor


def _number(header: Header, keyword: str) -> float:
    return header.of_frame(keyword).number(keyword) or 0.0


def _pair(header: Header, keyword: str) -> Spacing | None:
    numbers = header.of_frame(keyword).numbers(keyword)
    if not numbers:
        return None
    if len(numbers) != 2 or min(numbers) <= 0:
        header.refuse(keyword, f"must be two positive lengths, got {numbers[:3]}", "correct it")
    return numbers[0], numbers[1]
