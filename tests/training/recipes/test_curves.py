"""Tables grow and stay whole; a picture shows what they hold."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from training.recipes.curves import CURVES, LOG, STEPS, draw, extend, read, running_median

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_are_added_behind_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    extend(path, [{"step": 1, "loss": 0.5}])
    extend(path, [{"step": 2, "loss": 0.25}, {"step": 3, "loss": 0.125}])
    assert path.read_text().splitlines() == ["step,loss", "1,0.5", "2,0.25", "3,0.125"]
    assert read(path)["loss"].tolist() == [0.5, 0.25, 0.125]


def test_a_new_column_leaves_the_old_rows_empty(tmp_path: Path) -> None:
    """As where a training goes on whose log was begun by an older version."""
    path = tmp_path / "table.csv"
    extend(path, [{"step": 1, "score": 0.5}])
    extend(path, [{"step": 2, "dice": 0.75}])
    columns = read(path)
    assert list(columns) == ["step", "score", "dice"]
    np.testing.assert_array_equal(columns["dice"], [np.nan, 0.75])
    np.testing.assert_array_equal(columns["score"], [0.5, np.nan])


def test_no_rows_no_table(tmp_path: Path) -> None:
    extend(tmp_path / "table.csv", [])
    assert read(tmp_path / "table.csv") == {}


@pytest.mark.parametrize("scores", [("dice",), ("dice", "accuracy", "ordinal_error")])
def test_every_score_has_a_panel(tmp_path: Path, scores: tuple[str, ...]) -> None:
    steps = [{"step": n, "rate": 1e-3, "loss": 1 / n} for n in range(1, 60)]
    extend(tmp_path / STEPS, steps)
    course = {"step": 59, "elapsed_s": 1, "rate": 1e-3, "loss": 1.0, "best": 0.5}
    extend(tmp_path / LOG, [{**course, **dict.fromkeys(scores, 0.5)}])
    draw(tmp_path)
    rows = -(-(2 + len(scores)) // 2)
    picture = cv2.imread(str(tmp_path / CURVES))
    assert picture.shape == (260 * rows, 1040, 3)
    drawn = (picture == (0x8C, 0x4E, 0x1F)).all(-1)  # the colour of the lines, as BGR
    for index in range(2 + len(scores)):
        row, column = divmod(index, 2)
        assert drawn[260 * row : 260 * (row + 1), 520 * column : 520 * (column + 1)].any(), index
    assert drawn[260 * (rows - 1) :, 520:].any() == (len(scores) % 2 == 0)


def test_the_running_median_is_that_of_each_neighbourhood() -> None:
    values = np.random.default_rng(0).normal(size=121)
    expected = [
        median([values[min(max(at + off, 0), 120)] for off in range(-3, 4)]) for at in range(121)
    ]
    np.testing.assert_allclose(running_median(values), expected)
