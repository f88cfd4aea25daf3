"""When the frames of a run were taken."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise

from sdk.dicom.header import Header

# What FrameIncrementPointer (0028,0009) may point at, and where to look when it does not.
INTERVALS = {0x00181065: "FrameTimeVector", 0x00181063: "FrameTime"}
RATES = ("CineRate", "RecommendedDisplayFrameRateInFloat", "RecommendedDisplayFrameRate")
STAMP = re.compile(r"(\d{12})(?:([0-5]\d|60)(?:\.(\d{1,6}))?)?([+-]\d{4})?")
TO_THE_HOUR = re.compile(r"\d{4,10}([+-]\d{4})?")
"""Less than the minute: of no use for the frames of a run."""
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
    between = vector[1:]  # the first says nothing (PS3.3 C.7.6.5.1.2)
    if not vector or (frames > 1 and not any(between)):
        return None
    if len(vector) != frames:
        header.refuse(keyword, f"has {len(vector)} values for {frames} frames", "correct the file")
    if min(between, default=0) < 0:
        header.refuse(keyword, f"must not be negative, got {min(between)} ms", "correct the file")
    return tuple(accumulate((0.0, *between)))


def _steady(interval_ms: float, frames: int) -> tuple[float, ...]:
    return tuple(frame * interval_ms for frame in range(frames))


def _not_negative(header: Header, keyword: str) -> float | None:
    number = header.number(keyword)
    if number is not None and number < 0:
        header.refuse(keyword, f"must not be negative, got {number}", "correct the file")
    return number


def _from_date_times(header: Header, keyword: str, frames: int) -> tuple[float, ...] | None:
    texts = [header.of_frame(keyword, frame).text(keyword) for frame in range(frames)]
    if not all(texts) or any(TO_THE_HOUR.fullmatch(text) for text in texts):
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
    """YYYYMMDDHHMM[SS[.FFFFFF]][&ZZXX] (DICOM PS3.5 6.2, DT); second 60 is that of a leap second.

    Raises:
        ValueError: it is no such date and time.
    """
    found = STAMP.fullmatch(text)
    if found is None:
        raise ValueError(text)
    minute, second, fraction, zone = found.groups(default="")
    time = datetime.strptime(minute + (zone or "+0000"), "%Y%m%d%H%M%z")
    return time + timedelta(seconds=float(f"{second or 0}.{fraction or 0}"))
