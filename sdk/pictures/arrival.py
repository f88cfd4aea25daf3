"""What a run showed of its arteries: when the contrast reached them, and how wide they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.chart import new_figure
from sdk.pictures.overlay import shown_of
from sdk.tasks.artery_sequence import NEVER, ArteryAnswer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdk.frame import Frame

SIDE_INCHES = 6.2


class ArrivalMap:
    """Takes the outcomes of a run one by one and keeps the last that names arteries."""

    def __init__(self) -> None:
        self._last: tuple[Frame, ArteryAnswer] | None = None

    def add(self, outcome: Outcome[Any]) -> None:
        """Notes the next outcome."""
        if isinstance(outcome.answer, ArteryAnswer):
            self._last = outcome.frame, outcome.answer

    def save(self, path: Path) -> bool:
        """Writes a PNG, arrival on the left and radius on the right, if there is something to show.

        Raises:
            OSError: the file cannot be written.
        """
        if self._last is None:
            return False
        frame, answer = self._last
        if not answer.vessels.mask.any():
            return False
        figure = new_figure(2.2 * SIDE_INCHES, SIDE_INCHES)
        left, right = figure.subplots(1, 2)
        background, (low, high) = shown_of(frame)
        for axes in (left, right):
            axes.imshow(background, cmap="gray", vmin=low, vmax=high, alpha=0.45)
            axes.set_axis_off()
        _draw_arrival(figure, left, answer)
        _draw_radius(figure, right, answer)
        figure.savefig(path, dpi=110)
        return True


def _draw_arrival(figure: Any, axes: Any, answer: ArteryAnswer) -> None:
    never, unit = answer.arrival_frame == NEVER, "frame"
    values: NDArray[Any] = answer.arrival_frame
    if answer.arrival_ms is not None:
        values, unit = answer.arrival_ms / 1000.0, "s"
    drawn = axes.imshow(np.ma.masked_array(values, never), cmap="turbo", interpolation="nearest")
    figure.colorbar(drawn, ax=axes, label=f"arrival of the contrast [{unit}]", shrink=0.8)
    axes.set_title(f"Arteries of {answer.frames} frames, by arrival")


def _draw_radius(figure: Any, axes: Any, answer: ArteryAnswer) -> None:
    line = answer.centreline
    rows, columns = line.points.T
    drawn = axes.scatter(columns, rows, c=line.radius, s=3, cmap="viridis", linewidths=0)
    figure.colorbar(drawn, ax=axes, label=f"radius [{line.unit}]", shrink=0.8)
    axes.set_title("Centreline, by radius")
