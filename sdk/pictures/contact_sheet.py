"""A run at a glance: outlined frames, evenly picked, on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.overlay import draw_outcome, save_png

if TYPE_CHECKING:
    from sdk.pictures.lettering import Picture

COLUMNS = 5
ROWS = 4
SIDE = 320
LARGEST_SIDE = 960


class ContactSheet:
    """Takes the outcomes of a run one by one and keeps the pictures of up to 20 of them."""

    def __init__(self, frames: int) -> None:
        """Takes how many outcomes there will be.

        Raises:
            ValueError: there will be none.
        """
        self._picked = set(pick(frames, COLUMNS * ROWS))
        if not self._picked:
            raise ValueError("there are no outcomes to draw; the run was empty")
        self._columns = min(COLUMNS, len(self._picked))
        self._side = min(LARGEST_SIDE, COLUMNS * SIDE // self._columns)
        self._tiles: list[Picture] = []
        self._seen = 0

    def add(self, outcome: Outcome[Any]) -> None:
        """Draws the next outcome if it is one of the picked."""
        if self._seen in self._picked:
            self._tiles.append(draw_outcome(outcome, self._side))
        self._seen += 1

    def save(self, path: Path) -> None:
        """Writes the sheet as PNG.

        Raises:
            OSError: the file cannot be written.
        """
        blank = [np.zeros_like(self._tiles[0])] * (-len(self._tiles) % self._columns)
        tiles = self._tiles + blank
        starts = range(0, len(tiles), self._columns)
        save_png(np.vstack([np.hstack(tiles[i : i + self._columns]) for i in starts]), path)


def draw_contact_sheet(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes up to 20 outcomes, first and last among them, as one PNG."""
    sheet = ContactSheet(len(outcomes))
    for outcome in outcomes:
        sheet.add(outcome)
    sheet.save(path)


def pick(count: int, most: int) -> list[int]:
    """At most `most` indices, evenly spread over `count`."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
