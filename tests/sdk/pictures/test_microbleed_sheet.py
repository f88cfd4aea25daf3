"""The sheets show every bleed in its region's colour, and say how many there are."""

import cv2
import numpy as np
import pytest
import volume_folders

from sdk import Region
from sdk.pictures.microbleed_sheet import (
    CAPTION,
    GAP,
    LENS,
    MOST_CARDS,
    draw_card,
    draw_microbleeds,
)
from sdk.pictures.regions import REGION_COLOURS

LESION = (12, 40, 30)


@pytest.fixture(scope="module")
def head():
    return volume_folders.head(LESION)


def rgb(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("region", list(Region))
def test_the_ring_has_the_colour_of_the_region_and_leaves_the_bleed_free(head, region):
    answer = volume_folders.answer_of(head, (LESION, region))
    card = draw_card(answer, answer.microbleeds[0], 1)
    panel = card[CAPTION + GAP : CAPTION + GAP + LENS.side, GAP : GAP + LENS.side].astype(int)
    colourful = np.ptp(panel, axis=2) > 60
    rows, columns = np.nonzero(colourful)
    radius = (4.0 / 2 + 2.0) / LENS.mm
    for found in (np.ptp(rows) / 2, np.ptp(columns) / 2):
        assert found == pytest.approx(radius, abs=2)
    middle = LENS.side // 2
    assert not colourful[middle - 8 : middle + 8, middle - 8 : middle + 8].any()
    brightest = panel[colourful][np.argmax(np.ptp(panel[colourful], axis=1))]
    np.testing.assert_allclose(brightest, REGION_COLOURS[region], atol=40)


def test_phase_is_shown_where_there_is_one(head):
    shapes = []
    for phase in (True, False):
        answer = volume_folders.answer_of(head, (LESION, Region.DEEP), phase=phase)
        shapes.append(draw_card(answer, answer.microbleeds[0], 1).shape)
    assert shapes[0][0] - shapes[1][0] == LENS.side + GAP
    answer = volume_folders.answer_of(head, (LESION, Region.DEEP))
    card = draw_card(answer, answer.microbleeds[0], 1)
    below = card[CAPTION + 2 * GAP + LENS.side :, GAP : GAP + LENS.side]
    middle = LENS.side // 2
    assert below[middle, middle].min() > 250  # the lesion's phase is above the window
    assert abs(int(below[middle, middle + 40].mean()) - 127) < 5


def test_more_bleeds_than_fit_go_on_another_sheet(head, tmp_path):
    bleeds = [(LESION, Region.LOBAR)] * (MOST_CARDS + 1)
    paths = draw_microbleeds(volume_folders.answer_of(head, *bleeds), tmp_path)
    assert [path.name for path in paths] == ["microbleeds.png", "microbleeds_2.png"]
    assert rgb(paths[0]).shape[0] > 5 * rgb(paths[1]).shape[0]


def test_no_bleeds_are_said(head, tmp_path):
    (path,) = draw_microbleeds(volume_folders.answer_of(head), tmp_path)
    assert rgb(path).max() > 150
