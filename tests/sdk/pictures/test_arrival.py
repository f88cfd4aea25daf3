"""The picture of when the contrast came, and of how wide the arteries are."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

import sdk
from sdk import kernels
from sdk.pictures.arrival import ArrivalMap
from sdk.tasks.artery_sequence import ArteryAnswer
from sdk.tasks.vessels import Vessels


def outcome(mask: np.ndarray, arrival_ms: np.ndarray | None) -> sdk.Outcome:
    frame = sdk.Frame(pixels=np.full(mask.shape, 1000, np.uint16), index=3)
    vessels = Vessels(mask=mask, area_px=int(mask.sum()), area_mm2=None, count=int(mask.any()))
    answer = ArteryAnswer(
        vessels=vessels,
        filled=vessels,
        centreline=kernels.centreline(mask),
        arrival_frame=np.where(mask, np.arange(mask.shape[1]) // 16, -1).astype(np.int32),
        arrival_ms=arrival_ms,
        frames=4,
    )
    return sdk.Outcome(
        frame=frame, status=sdk.Status.DELIVERED, answer=answer, stages_ms={}, backend=""
    )


@pytest.fixture
def mask() -> np.ndarray:
    image = np.zeros((64, 64), np.uint8)
    image[28:35, 4:60] = 1
    return image


@pytest.mark.parametrize("timed", [True, False])
def test_later_arrivals_have_other_colours(mask, timed, tmp_path) -> None:
    times = np.where(mask, np.arange(64, dtype=np.float32) * 30, np.nan).astype(np.float32)
    picture = ArrivalMap()
    picture.add(outcome(mask, times if timed else None))
    assert picture.save(tmp_path / "arrival.png")
    drawn = cv2.imread(str(tmp_path / "arrival.png"))
    left = drawn[:, : drawn.shape[1] // 3].astype(int)
    blue, red = left[..., 0] - left[..., 2] > 60, left[..., 2] - left[..., 0] > 60
    assert blue.any()
    assert red.any()
    assert np.nonzero(blue)[1].min() < np.nonzero(red)[1].min()


def test_nothing_is_drawn_of_a_run_without_arteries(mask, tmp_path) -> None:
    picture = ArrivalMap()
    assert not picture.save(tmp_path / "arrival.png")
    empty = outcome(mask * 0, None)
    picture.add(empty)
    picture.add(replace(empty, answer=None))
    assert not picture.save(tmp_path / "arrival.png")
    assert not (tmp_path / "arrival.png").exists()
