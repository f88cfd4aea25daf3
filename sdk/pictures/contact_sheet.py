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


def draw_contact_sheet(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes up to 20 outcomes, first and last among them, as one PNG."""
    picked = pick(len(outcomes), COLUMNS * ROWS)
    tiles = [draw_outcome(outcomes[index], SIDE) for index in picked]
    if not tiles:
        raise ValueError("there are no outcomes to draw; the run was empty")
    columns = min(COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]
    save_png(np.vstack(rows), path)


def pick(count: int, most: int) -> list[int]:
    """At most `most` indices, evenly spread over `count`."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))
