"""The report of a run: grades, areas and arrival, with the frames that they are of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.dicom import codes
from sdk.dicom.codes import Code
from sdk.dicom.report import write_report
from sdk.dicom.report_content import Group, Measured, ReportContent
from sdk.dicom.source import SourceRun
from sdk.errors import DicomError
from sdk.outcome import Outcome
from sdk.report import vessels_of
from sdk.session import Session
from sdk.structured_report.wording import algorithm_of, numbers
from sdk.tasks import ArteryAnswer, Grade, QualityAnswer

if TYPE_CHECKING:
    from sdk.dicom.xa import XaRun

QUALITY = {
    Grade.GOOD: codes.DIAGNOSTIC,
    Grade.ACCEPTABLE: codes.LIMITED,
    Grade.POOR: codes.NON_DIAGNOSTIC,
}
"""Grade -> its code in RadLex (PS3.16, CID 7036)."""
NOT_ANSWERED = "not answered"
MOST_NOTES = 20
"""Different notes of outcomes that a report repeats; it says how many more there are."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of the answer on a frame."""

    index: int
    area: float


@dataclass(slots=True)
class _Part:
    """Frames that share a group: of one grade, or of one run that arteries were followed in."""

    grade: Grade | None = None
    seen: list[_Seen] = field(default_factory=list)
    last: ArteryAnswer | None = None


class RunReport:
    """Measurements of one run as a Comprehensive SR.

    However long the run is, the report has few groups: one for each grade, with the frames that
    have it and mean and largest vessel area; of arteries one, with what was seen up to the last
    frame. Frames without an answer are named by their status, and the report is then partial.
    """

    def __init__(self, session: Session[Any], run: "XaRun") -> None:
        """Takes the session that answers, and the run, as `sdk.read_xa` opened it.

        Raises:
            DicomError: highdicom is missing, or nothing can refer to the file.
        """
        self._session, self._run = session, run
        self._source = SourceRun(run.path)
        self._parts: list[_Part] = []
        self._unanswered: dict[int, str] = dict.fromkeys(range(len(run)), NOT_ANSWERED)
        self._notes: dict[str, list[int]] = {}
        self._next = 0

    def __len__(self) -> int:
        """Frames that were answered."""
        return len(self._run) - len(self._unanswered)

    def add(self, outcome: Outcome[Any]) -> None:
        """Adds what became of a frame; of its images nothing is kept.

        Raises:
            DicomError: it is no frame of the run, or comes before one that was added.
        """
        frame, answer = outcome.frame, outcome.answer
        size = self._run.rows, self._run.columns
        if not self._next <= frame.index < len(self._run) or frame.shape != size:
            raise DicomError(
                f"expected one of the frames {self._next}..{len(self._run) - 1} of "
                f"{self._run.path}, in order, of {size} pixels, got frame {frame.index} of "
                f"{frame.shape}"
            )
        self._next = frame.index + 1
        for note in outcome.notes:
            self._notes.setdefault(note, []).append(frame.index)
        vessels = vessels_of(answer)
        if vessels is None:
            self._unanswered[frame.index] = outcome.status.value
            return
        del self._unanswered[frame.index]
        area = vessels.area_mm2 if self._in_mm2 else vessels.area_px
        self._part_of(answer).seen.append(_Seen(frame.index, area or 0.0))

    def write(self, path: str | Path) -> None:
        """Writes the file; what exists is replaced.

        Raises:
            DicomError: there is no answer, or the file cannot be written.
        """
        if not len(self):
            raise DicomError(f"there is no answer on {self._run.path} to report")
        lost, frames = len(self._unanswered), len(self._run)
        content = ReportContent(
            description=f"AngioEdge {self._session.manifest.task}",
            procedure=codes.ANGIOGRAPHY,
            algorithm=algorithm_of(self._session),
            groups=tuple(map(self._group, self._ordered())),
            remarks=tuple(self._remarks()),
            missing=f"{lost} of {frames} frames have no answer" if lost else "",
        )
        write_report(Path(path), [self._source.header], content)

    @property
    def _in_mm2(self) -> bool:
        run = self._run
        return run.pixel_spacing_mm is not None and run.spacing_origin.holds_in_patient

    def _part_of(self, answer: Any) -> _Part:
        grade = answer.grade if isinstance(answer, QualityAnswer) else None
        arteries = answer if isinstance(answer, ArteryAnswer) else None
        found = next((part for part in reversed(self._parts) if part.grade == grade), None)
        if found is None or (arteries and found.last and arteries.frames <= found.last.frames):
            found = _Part(grade)  # arteries: another run is followed, its frames are counted anew
            self._parts.append(found)
        found.last = arteries
        return found

    def _ordered(self) -> list[_Part]:
        """Best grade first; runs of arteries as they came."""
        return sorted(self._parts, key=lambda part: -1 if part.grade is None else -part.grade)

    def _group(self, part: _Part) -> Group:
        indices = [one.index for one in part.seen]
        frames = Measured(name=codes.FRAMES, value=len(indices), unit=codes.NO_UNITS)
        measured = self._of_arteries(part.last) if part.last else self._of_vessels(part.seen)
        graded = () if part.grade is None else ((codes.IMAGE_QUALITY, QUALITY[part.grade]),)
        return Group(
            label=_label(part),
            finding=codes.ARTERY if part.last else codes.BLOOD_VESSEL,
            images=(self._source.refer(indices),),
            measured=(frames, *measured),
            evaluated=graded,
        )

    def _area(self, value: float, derivation: Code | None, frame: int | None = None) -> Measured:
        return Measured(
            name=codes.AREA,
            value=round(float(value), 2),
            unit=codes.SQUARE_MILLIMETRE if self._in_mm2 else codes.PIXELS,
            derivation=derivation,
            image=None if frame is None else self._source.refer([frame]),
        )

    def _of_vessels(self, seen: Sequence[_Seen]) -> Iterator[Measured]:
        if len(seen) == 1:
            yield self._area(seen[0].area, None)
            return
        largest = max(seen, key=lambda one: one.area)
        yield self._area(mean(one.area for one in seen), codes.MEAN)
        yield self._area(largest.area, codes.MAXIMUM, largest.index)

    def _of_arteries(self, last: ArteryAnswer) -> Iterator[Measured]:
        """The area after the last frame, which holds all that was seen; when contrast came."""
        vessels = last.vessels
        yield self._area((vessels.area_mm2 if self._in_mm2 else vessels.area_px) or 0.0, None)
        if last.arrival_ms is None:
            return
        times = last.arrival_ms[np.isfinite(last.arrival_ms)]
        if times.size:
            for derivation, time in (
                (codes.MINIMUM, times.min()),
                (codes.MEDIAN, np.median(times)),
            ):
                yield Measured(
                    name=codes.ARRIVAL_TIME,
                    value=round(float(time), 2),
                    unit=codes.MILLISECOND,
                    derivation=derivation,
                )

    def _remarks(self) -> Iterator[str]:
        yield from self._session.manifest.warnings
        origin = self._run.spacing_origin.value
        if self._in_mm2:
            yield f"Areas are in mm2, by the pixel spacing from {origin}."
        else:
            yield f"Areas are in pixels: no pixel spacing holds in the patient ({origin})."
        if any(part.last for part in self._parts):
            yield "The area of arteries is of all that were seen up to the last frame."
            by = f", by {self._run.time_origin}" if self._run.time_origin else ""
            yield (
                "The file does not say when its frames were taken: there is no arrival time."
                if self._run.frame_times_ms is None
                else f"Arrival times count from the first frame of the file{by}."
            )
        for status in dict.fromkeys(self._unanswered.values()):
            lost = [index for index, said in self._unanswered.items() if said == status]
            yield f"Frames without an answer, {status}: {numbers(lost)}."
        for note, indices in list(self._notes.items())[:MOST_NOTES]:
            yield f"Frames {numbers(indices)}: {note}."
        if len(self._notes) > MOST_NOTES:
            yield f"{len(self._notes) - MOST_NOTES} more notes are left out."


def _label(part: _Part) -> str:
    if part.last:
        return f"Arteries, frames {part.seen[0].index + 1} to {part.seen[-1].index + 1}"
    return "Vessels" if part.grade is None else f"Vessels of {part.grade.name.lower()} frames"
