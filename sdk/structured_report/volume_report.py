"""The report of a volume: every microbleed with its place, region, size and score."""

from collections.abc import Iterator
from pathlib import Path

from sdk.dicom import codes
from sdk.dicom.report import write_report
from sdk.dicom.report_content import Group, Measured, ReportContent
from sdk.dicom.source import SourceSeries, check_one_study
from sdk.errors import DicomError
from sdk.structured_report.wording import algorithm_of
from sdk.tasks.microbleeds import Microbleed, MicrobleedAnswer, Region
from sdk.volume_outcome import VolumeOutcome
from sdk.volume_session import VolumeSession

REGIONS = {
    Region.LOBAR: codes.LOBAR,
    Region.DEEP: codes.DEEP,
    Region.INFRATENTORIAL: codes.INFRATENTORIAL,
}


class VolumeReport:
    """Microbleeds of one volume as a Comprehensive 3D SR.

    The first group says how many there are, also if there are none; every bleed has one more, in
    the order of the tables and pictures.
    """

    def __init__(self, session: VolumeSession, swi: str | Path, phase: str | Path | None) -> None:
        """Takes the session that answers, and what it reads: folders or files of series.

        No `phase` is given where the series of the SWI brings it along.

        Raises:
            DicomError: highdicom is missing, an image is no DICOM, nothing can refer to it, or
                they are of several studies.
        """
        self._session, self._swi = session, SourceSeries(Path(swi))
        more = SourceSeries(Path(phase)).headers if phase else ()
        self._headers = (*self._swi.headers, *more)
        self._path = Path(swi)
        check_one_study(self._headers)

    def write(self, path: str | Path, outcome: VolumeOutcome) -> None:
        """Writes the file; what exists is replaced.

        Raises:
            VolumeError: there is no answer.
            DicomError: it is of another volume, or the file cannot be written.
        """
        answer = outcome.require()
        if not self._swi.lies_on(answer.volume):
            raise DicomError(
                f"the answer is on a volume {answer.volume.shape} that does not lie on "
                f"{self._path}; report it with the series that it was read from"
            )
        bleeds = enumerate(answer.microbleeds, 1)
        content = ReportContent(
            description=f"AngioEdge {self._session.manifest.task}",
            procedure=codes.MR_OF_UNSAID_REGION,
            algorithm=algorithm_of(self._session),
            groups=(_summary(answer), *(self._group(*numbered) for numbered in bleeds)),
            remarks=(*self._session.manifest.warnings, *outcome.notes),
            frame_of_reference=self._swi.frame_of_reference,
        )
        write_report(Path(path), self._headers, content)

    def _group(self, number: int, bleed: Microbleed) -> Group:
        return Group(
            label=f"Microbleed {number}",
            finding=codes.MICROBLEED,
            site=codes.BRAIN,
            region=REGIONS.get(bleed.region),
            place_mm=bleed.patient_mm,
            measured=tuple(self._measured(bleed)),
        )

    def _measured(self, bleed: Microbleed) -> Iterator[Measured]:
        image = self._swi.nearest(bleed.patient_mm)
        yield Measured(
            name=codes.DIAMETER,
            value=round(bleed.diameter_mm, 2),
            unit=codes.MILLIMETRE,
            image=image,
        )
        yield Measured(
            name=codes.CERTAINTY,
            value=round(100 * bleed.score, 4),
            unit=codes.PERCENT,
            image=image,
        )


def _summary(answer: MicrobleedAnswer) -> Group:
    found = len(answer.microbleeds)
    ended = codes.WITH_FINDINGS if found else codes.WITHOUT_FINDINGS
    return Group(
        label="Microbleeds of the volume",
        finding=codes.BRAIN,  # a microbleed here would be one that nobody found
        measured=(Measured(name=codes.LESIONS, value=found, unit=codes.NO_UNITS),),
        evaluated=((codes.FINDINGS_SUMMARY, ended),),
    )
