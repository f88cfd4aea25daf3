"""A brain at a glance: minimum intensity over slabs, bleeds ringed in their region's colour."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sdk.pictures.lettering import (
    INK,
    PALE,
    Picture,
    cross,
    grey,
    label,
    ring,
    strip,
    width_of,
    write,
)
from sdk.pictures.overlay import save_png
from sdk.pictures.regions import DROPPED_COLOUR, REGION_COLOURS
from sdk.tasks.microbleeds import Microbleed, MicrobleedAnswer
from sdk.volume_report import count_by_region, misplaced

SLAB_MM = 10.0
COLUMNS = 5
WIDTH = 280
CAPTION, MARGIN = 26, 8
AROUND_MM = 3.0
"""Between a bleed's edge and its ring."""
BESIDE_MM = 8.0
"""What is shown around the brain."""


def draw_overview(answer: MicrobleedAnswer, path: Path) -> None:
    """Writes one PNG with the slabs from feet to head.

    A vein crosses a slab as a line, a bleed stays a dot. Crosses mark candidates that were dropped
    for the place where they lie; those beside a better one are not shown.

    Raises:
        OSError: the file cannot be written.
    """
    tiles = [draw_slab(answer, slab) for slab in _slabs(answer)]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.full_like(tiles[0], INK[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
    save_png(np.vstack([*rows, _legend(answer, rows[0].shape[1])]), path)


def draw_slab(answer: MicrobleedAnswer, slab: range) -> Picture:
    """An RGB picture of the darkest voxels over a range of slices, with its marks."""
    volume, frame = answer.volume, _frame(answer)
    slices = volume.voxels[slab.start : slab.stop]
    darkest = slices[:, frame[0], frame[1]].min(axis=0).astype(np.float32)
    mm = darkest.shape[1] * volume.spacing_mm[2] / WIDTH
    size = (WIDTH, max(1, round(darkest.shape[0] * volume.spacing_mm[1] / mm)))
    picture = grey(cv2.resize(darkest, size, interpolation=cv2.INTER_AREA), *answer.window)

    def place(bleed: Microbleed) -> tuple[float, float]:
        row, column = (
            (at - cut.start + 0.5) * step / mm - 0.5
            for at, cut, step in zip(bleed.voxel[1:], frame, volume.spacing_mm[1:], strict=True)
        )
        return column, row

    for entry in misplaced(answer.dropped):
        if _in(slab, entry.candidate):
            column, row = (round(at) for at in place(entry.candidate))
            cross(picture, (column, row), DROPPED_COLOUR)
    for number, bleed in enumerate(answer.microbleeds, 1):
        if _in(slab, bleed):
            _mark(picture, place(bleed), (bleed.diameter_mm / 2 + AROUND_MM) / mm, bleed, number)
    label(picture, f"{slab.start} to {slab.stop - 1}", (6, size[1] - 8), PALE)
    label(picture, "R", (4, size[1] // 2), PALE)
    return np.pad(picture, ((0, 2), (0, 2), (0, 0)), constant_values=INK[0])


def _mark(
    picture: Picture, place: tuple[float, float], radius: float, bleed: Microbleed, number: int
) -> None:
    colour = REGION_COLOURS[bleed.region]
    ring(picture, place, radius, colour)
    beside = (round(place[0] + radius) + 4, round(place[1] - radius) + 4)
    label(picture, str(number), beside, colour, 0.45)


def _slabs(answer: MicrobleedAnswer) -> list[range]:
    """Slices of every slab from the first slice with brain to the last."""
    first, last = answer.brain_box[0][0], answer.brain_box[1][0]
    thick = max(1, round(SLAB_MM / answer.volume.spacing_mm[0]))
    return [range(at, min(at + thick, last + 1)) for at in range(first, last + 1, thick)]


def _frame(answer: MicrobleedAnswer) -> tuple[slice, slice]:
    """Rows and columns of the brain and what lies around it."""
    box = zip(*answer.brain_box, answer.volume.shape, answer.volume.spacing_mm, strict=True)
    frame = []
    for first, last, extent, step in list(box)[1:]:
        margin = round(BESIDE_MM / step)
        frame.append(slice(max(first - margin, 0), min(last + 1 + margin, extent)))
    return frame[0], frame[1]


def _in(slab: range, bleed: Microbleed) -> bool:
    return round(bleed.voxel[0]) in slab


def _legend(answer: MicrobleedAnswer, width: int) -> Picture:
    legend, place = strip(width, CAPTION), MARGIN
    for words, colour in _entries(answer):
        write(legend, words, (place, CAPTION - 8), colour)
        place += width_of(words) + 3 * MARGIN
    return legend


def _entries(answer: MicrobleedAnswer) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for region, number in count_by_region(answer.microbleeds).items():
        yield f"o {number} {region.name.lower()}", REGION_COLOURS[region]
    yield f"x {len(misplaced(answer.dropped))} dropped for their place", DROPPED_COLOUR
    thick = max(answer.volume.spacing_mm[0], SLAB_MM)
    yield f"darkest of {thick:.0f} mm, slices from feet to head", PALE
