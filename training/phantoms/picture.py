"""Contact sheet of phantom angiograms: `python -m training.phantoms.picture sheet.png`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.phantoms.angiogram import PhantomFrame, phantom_frame
from training.phantoms.sheet import write_sheet
from training.preprocess import network_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 192
"""Side of one frame on the sheet in pixels."""
NAMES = {2: "good", 1: "acceptable", 0: "poor"}
OUTLINE, CAPTION = (60, 60, 255), (0, 220, 255)


def contact_sheet(seed: int, columns: int = 4) -> NDArray[np.uint8]:
    """Frames of each grade, two rows each: as the network sees them, and with the vessels' outline.

    Returns (rows, columns, 3) in BGR.
    """
    rows = []
    for grade in NAMES:
        first = seed + 100 * grade
        frames = [phantom_frame(first + column, 512, grade) for column in range(columns)]
        rows += [
            np.hstack([_tile(frame, outlined=outlined) for frame in frames])
            for outlined in (False, True)
        ]
    return np.vstack(rows)


def _tile(frame: PhantomFrame, *, outlined: bool) -> NDArray[np.uint8]:
    seen = network_input(frame)
    tile = cv2.cvtColor((seen * 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if outlined:
        contours, _ = cv2.findContours(frame.vessels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, contours, -1, OUTLINE, 1)
    tile = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA)
    if not outlined:
        kind = "native" if frame.mask is None else "subtracted"
        text = f"{NAMES[frame.grade]}, {kind}, {frame.severities.deciding_axis}"
        cv2.putText(tile, text, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, CAPTION, 1, cv2.LINE_AA)
    return np.asarray(tile, np.uint8)


if __name__ == "__main__":
    write_sheet(contact_sheet)
