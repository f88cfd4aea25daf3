"""What ``angioedge run --segmentation`` writes: the masks of a run, pointing at its DICOM file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdk.errors import FrameError
from sdk.outcome import Outcome
from sdk.report import vessels_of
from sdk.runs import Run
from sdk.session import Session

if TYPE_CHECKING:
    from sdk.dicom.segmentation import DicomSegmentation

FILE = "segmentation.dcm"


def segmentation_of(session: Session[Any], run: Run) -> "DicomSegmentation":
    """An empty segmentation of a run.

    Raises:
        FrameError: the run is not out of a DICOM file, or nothing can refer to that.
    """
    from sdk.dicom.segmentation import Anatomy, DicomSegmentation, SegmentationInfo
    from sdk.dicom.xa import XaRun

    if not isinstance(run.frames, XaRun):
        raise FrameError(
            f"{run.name} is no DICOM file, which a segmentation would point at; leave out "
            "--segmentation"
        )
    info = SegmentationInfo(
        anatomy=Anatomy[session.task.anatomy],
        algorithm=f"AngioEdge {session.task.name}",
        algorithm_version=session.model_sha256,
        parameters=f"precision {session.precision}, backend {session.backend}",
        warning=" ".join(session.manifest.warnings),
    )
    return DicomSegmentation(run.frames.path, info)


@contextmanager
def gathered(
    outcomes: Iterator[Outcome[Any]], segmentation: "DicomSegmentation", path: Path
) -> Iterator[Iterator[Outcome[Any]]]:
    """The same outcomes; at their end, whatever it is, their masks are written."""
    try:
        yield _added(outcomes, segmentation)
    finally:
        if len(segmentation):
            segmentation.write(path)


def _added(
    outcomes: Iterator[Outcome[Any]], segmentation: "DicomSegmentation"
) -> Iterator[Outcome[Any]]:
    for outcome in outcomes:
        vessels = vessels_of(outcome.answer)
        if vessels is not None:
            segmentation.add(outcome.frame.index, vessels.mask)
        yield outcome
