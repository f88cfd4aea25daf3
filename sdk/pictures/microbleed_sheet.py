"""Every microbleed of a volume from three sides, SWI above phase, on sheets."""

from pathlib import Path

import numpy as np

from sdk.pictures.lettering import PALE, Picture, grey, label, ring, strip, width_of, write
from sdk.pictures.orthogonal import VIEWS, Lens, View, look
from sdk.pictures.overlay import save_png
from sdk.pictures.regions import REGION_COLOURS
from sdk.tasks.microbleeds import Microbleed, MicrobleedAnswer, Region
from sdk.volume_report import count_by_region

LENS = Lens()
PHASE_WINDOW = (-1.5, 1.5)
"""Radians that are black and white; iron is white above and below itself."""
AROUND_MM = 2.0
"""Between a bleed's edge and its ring."""
GAP, CAPTION, MARGIN = 2, 26, 10
COLUMNS, MOST_CARDS = 3, 24


def draw_microbleeds(answer: MicrobleedAnswer, folder: Path) -> list[Path]:
    """Writes microbleeds.png, and microbleeds_2.png and so on for more than 24.

    Raises:
        OSError: a file cannot be written.
    """
    bleeds = answer.microbleeds
    pages = [bleeds[at : at + MOST_CARDS] for at in range(0, max(len(bleeds), 1), MOST_CARDS)]
    paths = []
    for page, chosen in enumerate(pages):
        cards = [
            draw_card(answer, bleed, page * MOST_CARDS + number)
            for number, bleed in enumerate(chosen, 1)
        ]
        paths.append(folder / (f"microbleeds_{page + 1}.png" if page else "microbleeds.png"))
        save_png(_sheet(cards, answer), paths[-1])
    return paths


def draw_card(answer: MicrobleedAnswer, bleed: Microbleed, number: int) -> Picture:
    """An RGB picture of one bleed: number, region, score and size above six views."""
    views = [np.hstack([_framed(_swi(answer, bleed, view)) for view in VIEWS])]
    if answer.volume.phase is not None:
        views.append(np.hstack([_framed(_phase(answer, bleed, view)) for view in VIEWS]))
    caption = strip(views[0].shape[1], CAPTION)
    colour = REGION_COLOURS[bleed.region]
    write(caption, f"{number}  {bleed.region.name.lower()}", (6, CAPTION - 8), colour, 0.5)
    said = f"score {bleed.score:.2f}   {bleed.diameter_mm:.1f} mm"
    write(caption, said, (caption.shape[1] - width_of(said) - 6, CAPTION - 8), PALE)
    return np.vstack([caption, *views])


def _swi(answer: MicrobleedAnswer, bleed: Microbleed, view: View) -> Picture:
    volume = answer.volume
    seen, inside = look(volume.voxels, volume.spacing_mm, bleed.voxel, view, LENS)
    picture = _marked(grey(np.where(inside, seen, answer.window[0]), *answer.window), bleed)
    middle, end = LENS.side // 2, LENS.side - 5
    for letter, place in zip(
        view.edges,
        ((3, middle + 4), (LENS.side - 11, middle + 4), (middle - 4, 12), (middle - 4, end)),
        strict=True,
    ):
        label(picture, letter, place, PALE, 0.34)
    label(picture, f"{view.name} {round(bleed.voxel[view.across])}", (4, 12), PALE, 0.36)
    return picture


def _phase(answer: MicrobleedAnswer, bleed: Microbleed, view: View) -> Picture:
    volume = answer.volume
    assert volume.phase is not None  # noqa: S101  draw_card asked
    seen, inside = look(volume.phase, volume.spacing_mm, bleed.voxel, view, LENS)
    return _marked(grey(np.where(inside, seen, PHASE_WINDOW[0]), *PHASE_WINDOW), bleed)


def _marked(picture: Picture, bleed: Microbleed) -> Picture:
    middle = (LENS.side - 1) / 2
    radius = (bleed.diameter_mm / 2 + AROUND_MM) / LENS.mm
    ring(picture, (middle, middle), radius, REGION_COLOURS[bleed.region])
    return picture


def _framed(picture: Picture) -> Picture:
    return np.pad(picture, ((GAP, 0), (GAP, 0), (0, 0)))


def _sheet(cards: list[Picture], answer: MicrobleedAnswer) -> Picture:
    blank = strip(3 * (LENS.side + GAP), CAPTION)
    columns = min(COLUMNS, max(len(cards), 2))
    width = columns * (blank.shape[1] + MARGIN) + MARGIN
    rows = [_title(answer, width)]
    for at in range(0, len(cards), columns):
        row = strip(width, cards[0].shape[0] + MARGIN)
        for place, card in enumerate(cards[at : at + columns]):
            left = MARGIN + place * (card.shape[1] + MARGIN)
            row[: card.shape[0], left : left + card.shape[1]] = card
        rows.append(row)
    return np.vstack(rows)


def _title(answer: MicrobleedAnswer, width: int) -> Picture:
    title = strip(width, CAPTION + MARGIN)
    place = MARGIN
    count = len(answer.microbleeds)
    words = [(f"{count} microbleed{'' if count == 1 else 's'}", PALE)]
    words += [
        (f"{number} {region.name.lower()}", REGION_COLOURS[region])
        for region, number in count_by_region(answer.microbleeds).items()
        if region is not Region.NONE or number
    ]
    words.append((f"SWI above phase, {LENS.field_mm:.0f} mm wide", PALE) if count else ("", PALE))
    for said, colour in words:
        write(title, said, (place, CAPTION - 4), colour, 0.5)
        place += width_of(said, 0.5) + 2 * MARGIN
    return title
