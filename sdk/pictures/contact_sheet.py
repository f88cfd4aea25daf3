"""A run at a glance: outlined frames, evenly picked, on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.overlay import draw_outcome, save_png

COLUMNS = 5
ROWS = 4
SIDE = 320
LARGEST_SIDE = 960


def draw_contact_sheet(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes up to 20 outcomes, first and last among them, as one PNG."""
    picked = pick(len(outcomes), COLUMNS * ROWS)
    if not picked:
        raise ValueError("there are no outcomes to draw; the run was empty")
    columns = min(COLUMNS, len(picked))
    side = min(LARGEST_SIDE, COLUMNS * SIDE // columns)
    tiles = [draw_outcome(outcomes[index], side) for index in picked]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]
    save_png(np.vstack(rows), path)


def pick(count: int, most: int) -> list[int]:
    """At most `most` indices, evenly spread over `count`."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
