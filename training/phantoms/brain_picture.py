"""Slices of phantom brains: `python -m training.phantoms.brain_picture sheet.png`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.phantoms.brain import BrainImage, BrainOptions, BrainPhantom
from training.phantoms.head_grid import HeadGrid
from training.phantoms.sheet import write_sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEIGHTS_MM = (38.0, 14.0, -2.0, -34.0)
"""Slices of a subject, one bleed and one calcification moved into each."""
SPACING_MM = 0.75
WHITE_SWI = 0.85
"""Shown as white."""
TINTS = np.array([(0, 0, 0), (60, 60, 200), (60, 180, 60), (200, 120, 40)], np.uint8)
"""BGR of background, lobar, deep and infratentorial."""
BLEED, CALCIUM = (60, 60, 255), (255, 200, 0)


def contact_sheet(seed: int) -> NDArray[np.uint8]:
    """SWI, phase and regions of four slices; bleeds circled red, calcifications blue.

    Returns (rows, columns, 3) in BGR.
    """
    subject = BrainPhantom.drawn(seed, BrainOptions(microbleeds=(8, 12)))
    return np.vstack([_row(subject, index, height) for index, height in enumerate(HEIGHTS_MM)])


def _row(subject: BrainPhantom, index: int, height_mm: float) -> NDArray[np.uint8]:
    moved = []
    for deposits in (subject.microbleeds, subject.calcifications):
        _, y, x = deposits[index % len(deposits)].centre_mm
        moved.append(replace(deposits[index % len(deposits)], centre_mm=(height_mm, y, x)))
    subject = replace(subject, microbleeds=(moved[0],), calcifications=(moved[1],))
    grid = HeadGrid.around((height_mm, 0.0, 0.0), (2.0, SPACING_MM, SPACING_MM), (1, 256, 216))
    image = subject.image(grid)
    swi = _grey(image.swi[0] / WHITE_SWI)
    for rows, colour in ((image.microbleeds, BLEED), (image.calcifications, CALCIUM)):
        for _, row, column, diameter in rows:
            radius = round(diameter / SPACING_MM / 2) + 4
            cv2.circle(swi, (round(column), round(row)), radius, colour, 1, cv2.LINE_AA)
    return np.hstack([swi, _phase(image), TINTS[image.regions[0]]])


def _phase(image: BrainImage) -> NDArray[np.uint8]:
    return _grey(np.where(image.brain[0], image.phase[0] / 2 + 0.5, 0.0))


def _grey(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    grey = (np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


if __name__ == "__main__":
    write_sheet(contact_sheet)
