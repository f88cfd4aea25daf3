"""What ``angioedge run --structured-report`` writes: measurements, pointing at their images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdk.errors import FrameError
from sdk.outcome import Outcome
from sdk.runs import Run
from sdk.session import Session
from sdk.volume_session import VolumeSession

if TYPE_CHECKING:
    from sdk.structured_report import RunReport, VolumeReport

FILE = "structured_report.dcm"


def report_of(session: Session[Any], run: Run) -> "RunReport":
    """An empty report of a run.

    Raises:
        FrameError: the run is not out of a DICOM file.
        DicomError: nothing can refer to that file, or highdicom is missing.
    """
    from sdk.dicom.xa import XaRun

    if not isinstance(run.frames, XaRun):
        raise FrameError(
            f"{run.name} is no DICOM file, so that a report has no patient and no study; leave out "
            "--structured-report"
        )
    from sdk.structured_report import RunReport

    return RunReport(session, run.frames)


def volume_report_of(session: VolumeSession, image: Path, phase: Path | None) -> "VolumeReport":
    """What writes the report of a volume, of these files or folders.

    Raises:
        DicomError: an image is no DICOM, they are of several studies, or highdicom is missing.
    """
    from sdk.structured_report import VolumeReport

    return VolumeReport(session, image, phase)


@contextmanager
def reported(
    outcomes: Iterator[Outcome[Any]], report: "RunReport", path: Path
) -> Iterator[Iterator[Outcome[Any]]]:
    """The same outcomes; at their end, whatever it is, they are reported."""
    try:
        yield _added(outcomes, report)
    finally:
        if len(report):
            report.write(path)


def _added(outcomes: Iterator[Outcome[Any]], report: "RunReport") -> Iterator[Outcome[Any]]:
    for outcome in outcomes:
        report.add(outcome)
        yield outcome
