"""``angioedge run`` on frames: answers and pictures of every run, and what has no answer."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from sdk.cli import segmentation, structured_report
from sdk.cli.extras import Extras
from sdk.cli.latency_table import latency_table
from sdk.cli.out_folder import make_folders
from sdk.cli.terminal import marked, terminal, without_chatter
from sdk.errors import AngioEdgeError
from sdk.frame import Frame
from sdk.outcome import Outcome, Status
from sdk.report import write_outcomes
from sdk.runs import Run
from sdk.session import Session

if TYPE_CHECKING:
    from sdk.pictures import Album


def run_frames(session: Session[Any], runs: list[Run], out: Path, extras: Extras) -> bool:
    """Answers runs, and writes what was answered even where a run is not answered to its end.

    Returns:
        Whether every frame could be read, no backend failed, and every run has an answer.

    Raises:
        FrameError: a segmentation or a report is wanted of a run that is not out of a DICOM file.
    """
    console = terminal()
    done = True
    masks = [segmentation.segmentation_of(session, one) for one in runs if extras.segmentation]
    reports = [
        structured_report.report_of(session, one) for one in runs if extras.structured_report
    ]
    folders = make_folders(out, [Path(one.name).stem for one in runs])
    for number, (folder, one) in enumerate(zip(folders, runs, strict=True)):
        session.latency.reset()
        answering = _Answering(session, one, console)
        outcomes = iter(answering)
        with ExitStack() as stack:
            if masks:
                path = folder / segmentation.FILE
                gathered = segmentation.gathered(outcomes, masks[number], path)
                outcomes = stack.enter_context(gathered)
            if reports:
                path = folder / structured_report.FILE
                reported = structured_report.reported(outcomes, reports[number], path)
                outcomes = stack.enter_context(reported)
            if extras.pictures:
                outcomes = stack.enter_context(_album(folder, one)).drawn(outcomes)
            path = folder / "outcomes.json"
            write_outcomes(path, outcomes, session.latency, answering.unread)
        if answering.answered:
            console.print(latency_table(session))
        done &= answering.tell(folder)
    return done


class _Answering:
    """The outcomes of a run, once; counts answers and notes why frames have none.

    Attributes:
        answered: frames that have an answer so far.
        unread: position -> why that frame cannot be read; the run goes on behind it.
    """

    def __init__(self, session: Session[Any], one: Run, console: Console) -> None:
        self.answered = 0
        self.unread: dict[int, str] = {}
        self._failed = False
        self._session, self._run, self._console = session, one, console
        self._unanswered: dict[int, str] = {}

    def __iter__(self) -> Iterator[Outcome[Any]]:
        outcomes = self._session.stream(self._readable())
        told, count = f"answering {self._run.name}", len(self._run)
        for outcome in track(outcomes, told, total=count, console=self._console):
            self._failed |= outcome.status is Status.FAILED
            if outcome.answer is None:
                self._unanswered[outcome.frame.index] = outcome.reason
            else:
                self.answered += 1
            yield outcome

    def tell(self, folder: Path) -> bool:
        """Prints what has no answer and where the rest lies; whether the run counts as done."""
        reasons = self._unanswered | self.unread
        if reasons:
            first = min(reasons)
            self._console.print(
                f"{len(reasons)} of {len(self._run)} frames have no answer, frame {first} first: "
                f"{reasons[first]}"
            )
        done = "Done" if self.answered else "Nothing was answered"
        self._console.print(f"{done}: look into", marked(str(folder), "bold"))
        return self.answered > 0 and not self.unread and not self._failed

    def _readable(self) -> Iterator[Frame]:
        frames = iter(self._run)
        for index in range(len(self._run)):
            frame = self._read(frames, index)
            if frame is not None:
                yield frame

    def _read(self, frames: Iterator[Frame], index: int) -> Frame | None:
        try:
            return next(frames)
        except AngioEdgeError as error:
            self.unread[index] = str(error)
            return None


def _album(out: Path, one: Run) -> "Album":
    from sdk.pictures import Album

    with without_chatter():  # FFmpeg misses a tag that WebM files do not have
        return Album(out, len(one), one.frame_rate_hz)
