"""The pictures of a run, drawn while it is answered, in memory that does not grow with it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from sdk.outcome import Outcome
from sdk.pictures.arrival import ArrivalMap
from sdk.pictures.contact_sheet import ContactSheet
from sdk.pictures.timeline import Timeline
from sdk.pictures.video import DEFAULT_FPS, Video


class Album:
    """overlay.webm, contact_sheet.png and timeline.png of one run; a context manager.

    Leaving it without an error writes what is not yet written. Runs whose arteries were followed
    get arrival.png as well; where nothing was drawn, no file is left.
    """

    def __init__(self, folder: Path, frames: int, frame_rate_hz: float | None = None) -> None:
        """Takes an existing folder, how many frames there will be, and their rate if it is known.

        Raises:
            OSError: this build of OpenCV cannot write the video, or the folder is not writable.
        """
        self._folder = folder
        self._video = Video(folder / "overlay.webm", frame_rate_hz or DEFAULT_FPS)
        self._drawn = 0
        self._sheet = ContactSheet(frames)
        self._timeline = Timeline()
        self._arrival = ArrivalMap()

    def drawn(self, outcomes: Iterable[Outcome[Any]]) -> Iterator[Outcome[Any]]:
        """Passes outcomes on, each as soon as it is drawn."""
        for outcome in outcomes:
            self._video.add(outcome)
            self._sheet.add(outcome)
            self._timeline.add(outcome)
            self._arrival.add(outcome)
            self._drawn += 1
            yield outcome

    def __enter__(self) -> "Album":  # noqa: PYI034  typing.Self came with Python 3.11
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._video.close()
        if not self._drawn:
            (self._folder / "overlay.webm").unlink(missing_ok=True)
        elif exc_type is None:
            self._sheet.save(self._folder / "contact_sheet.png")
            self._timeline.save(self._folder / "timeline.png")
            self._arrival.save(self._folder / "arrival.png")
