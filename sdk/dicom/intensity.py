"""How the stored values of a run relate to X-ray intensity."""

from sdk.dicom.header import Header
from sdk.frame import Intensity

RELATION = "PixelIntensityRelationship"
SIGN = "PixelIntensityRelationshipSign"


def read_intensity(header: Header) -> tuple[Intensity, int | None]:
    """PixelIntensityRelationship, DISP if it is not LIN or LOG, and its sign, None if unsaid.

    Raises:
        DicomError: it changes inside the run.
    """
    header.check_steady((RELATION, SIGN))
    relation = header.of_frame(RELATION).text(RELATION)
    sign = header.of_frame(SIGN).number(SIGN)
    return (
        Intensity(relation) if relation in Intensity.__members__ else Intensity.DISP,
        int(sign) if sign in (1, -1) else None,
    )


def read_rescale(header: Header) -> tuple[float, float] | None:
    """(slope, intercept) of the first frame, None if there is none."""
    place = header.of_frame("RescaleSlope")
    slope = place.number("RescaleSlope")
    return None if slope is None else (slope, place.number("RescaleIntercept") or 0.0)
