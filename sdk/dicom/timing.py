"""When the frames of a run were taken."""

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import accumulate, pairwise

from sdk.dicom.header import Header

# What FrameIncrementPointer (0028,0009) may point at, and where to look when it does not.
INTERVALS = {0x00181065: "FrameTimeVector", 0x00181063: "FrameTime"}
RATES = ("CineRate", "RecommendedDisplayFrameRateInFloat", "RecommendedDisplayFrameRate")
DATE_TIMES = ("FrameReferenceDateTime", "FrameAcquisitionDateTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTimes:
    """Acquisition times of a run.

    Attributes:
        times_ms: per frame, since the first; None if the file does not say.
        origin: the DICOM keyword they come from, "" if there is none.
    """

    times_ms: tuple[float, ...] | None
    origin: str


def read_frame_times(header: Header, frames: int) -> FrameTimes:
    """Follows FrameIncrementPointer; then the first of vector, time, date-times and rates.

    A zero FrameTime or rate says nothing, as DICOM writers use it. CineRate and the recommended
    display rates are playback rates: they are the last resort, and `origin` says so.

    Raises:
        DicomError: times run backwards, or there are not as many as frames.
    """
    pointed = [
        INTERVALS[tag] for tag in header.integers("FrameIncrementPointer") if tag in INTERVALS
    ]
    for keyword in (*pointed, *INTERVALS.values()):
        times = _from_intervals(header, keyword, frames)
        if times is not None:
            return FrameTimes(times_ms=times, origin=keyword)
    for keyword in DATE_TIMES:
        times = _from_date_times(header, keyword, frames)
        if times is not None:
            return FrameTimes(times_ms=times, origin=keyword)
    for keyword in RATES:
        rate = _not_negative(header, keyword)
        if rate:
            return FrameTimes(times_ms=_steady(1000 / rate, frames), origin=keyword)
    return FrameTimes(times_ms=(0.0,) if frames == 1 else None, origin="")


def _from_intervals(header: Header, keyword: str, frames: int) -> tuple[float, ...] | None:
    if keyword == "FrameTime":
        interval = _not_negative(header, keyword)
        return _steady(interval, frames) if interval else None
    vector = header.numbers(keyword)
    if not vector or (frames > 1 and not any(vector)):
        return None
    if len(vector) != frames:
        header.refuse(keyword, f"has {len(vector)} values for {frames} frames", "correct the file")
    if min(vector) < 0:
        header.refuse(keyword, f"must not be negative, got {min(vector)} ms", "correct the file")
    return tuple(accumulate((0.0, *vector[1:])))


def _steady(interval_ms: float, frames: int) -> tuple[float, ...]:
    return tuple(frame * interval_ms for frame in range(frames))


def _not_negative(header: Header, keyword: str) -> float | None:
    number = header.number(keyword)
    if number is not None and number < 0:
        header.refuse(keyword, f"must not be negative, got {number}", "correct the file")
    return number


def _from_date_times(header: Header, keyword: str, frames: int) -> tuple[float, ...] | None:
    texts = [header.of_frame(keyword, frame).text(keyword) for frame in range(frames)]
    if not all(texts):
        return None
    try:
        stamps = [_stamp(text) for text in texts]
        times = tuple((stamp - stamps[0]).total_seconds() * 1000 for stamp in stamps)
    except (ValueError, TypeError, OverflowError):
        header.refuse(keyword, "must be dates and times of one kind", "correct the file")
    if any(later < earlier for earlier, later in pairwise(times)):
        header.refuse(keyword, "runs backwards", "correct the file")
    return times


def _stamp(text: str) -> datetime:
    """YYYYMMDDHHMMSS.FFFFFF&ZZXX, the zone optional (DICOM PS3.5 6.2, DT)."""
    stamp = text if "." in text else f"{text[:14]}.0{text[14:]}"
    zoned = stamp[-5:-4] in {"+", "-"}
    time = datetime.strptime(stamp, "%Y%m%d%H%M%S.%f" + ("%z" if zoned else ""))  # noqa: DTZ007
    return time if zoned else time.replace(tzinfo=timezone.utc)
