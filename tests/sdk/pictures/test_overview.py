"""Slabs show what is darkest in them, and every mark where its bleed lies."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import volume_folders

from sdk import Dropped, Region
from sdk.pictures.overview import WIDTH, draw_overview, draw_slab
from sdk.pictures.regions import REGION_COLOURS

LESION = (12, 40, 30)


@pytest.fixture(scope="module")
def head():
    volume = volume_folders.head()
    swi = volume.voxels.copy()
    swi[11, 20:60, 36] = 5.0  # a vein in one slice
    return replace(volume, voxels=swi)


def colourful(picture):
    return np.ptp(picture.astype(int), axis=2) > 60


def test_a_slab_shows_the_darkest_voxel_of_its_slices(head):
    answer = volume_folders.answer_of(head)
    with_vein, without = (
        draw_slab(answer, slab)[:280, :, 0].astype(int)  # what it is called stands below
        for slab in (range(8, 13), range(12, 17))
    )
    assert (without - with_vein).max() > 100
    rows, _ = np.nonzero(without - with_vein > 100)
    mm = 72 / WIDTH  # the whole width of the volume is shown
    assert np.ptp(rows) * mm == pytest.approx(40, abs=2)


def test_a_bleed_is_ringed_where_it_lies_in_its_slab_only(head):
    answer = volume_folders.answer_of(head, (LESION, Region.DEEP))
    picture = draw_slab(answer, range(8, 13))
    rows, columns = np.nonzero(colourful(picture[:, :WIDTH]))
    mm = 72 / WIDTH
    left = (columns.min() + 2 * (4.0 / 2 + 3.0) / mm / 2) * mm  # the ring, its number to the right
    assert left == pytest.approx(LESION[2] + 0.5, abs=1)
    assert rows.max() * mm == pytest.approx(LESION[1] + 0.5 + 5.0, abs=1)
    assert not colourful(draw_slab(answer, range(13, 18))).any()


def test_candidates_dropped_for_their_place_are_crossed_others_are_not(head):
    at = (10, 30, 50)
    plain = draw_slab(volume_folders.answer_of(head), range(8, 13)).astype(int)
    for reason, marked in ((Dropped.OUTSIDE_REGIONS, True), (Dropped.SUPPRESSED, False)):
        answer = volume_folders.answer_of(head, dropped=[(at, reason)])
        differs = np.abs(draw_slab(answer, range(8, 13)) - plain).max(axis=2) > 40
        assert differs.any() == marked
        if marked:
            np.testing.assert_allclose(
                np.argwhere(differs).mean(axis=0) * 72 / WIDTH, [30.5, 50.5], atol=1
            )


@pytest.mark.parametrize("bleeds", [[], [(LESION, region) for region in Region]])
def test_the_sheet_holds_every_slab_with_brain(head, bleeds, tmp_path):
    draw_overview(volume_folders.answer_of(head, *bleeds), tmp_path / "overview.png")
    sheet = cv2.cvtColor(cv2.imread(str(tmp_path / "overview.png")), cv2.COLOR_BGR2RGB)
    assert sheet.shape[1] == 4 * (WIDTH + 2)  # slices 2 to 21, five of 2 mm a slab
    legend = sheet[-26:].astype(int)
    for region in (Region.LOBAR, Region.DEEP, Region.INFRATENTORIAL):
        apart = np.abs(legend - REGION_COLOURS[region]).max(axis=2)
        assert apart.min() < 40, region
