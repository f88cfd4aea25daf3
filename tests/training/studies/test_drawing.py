"""Charts of studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from training.studies.drawing import draw
from training.studies.study import Chart, Result

if TYPE_CHECKING:
    from pathlib import Path

CHART = Chart(curve="froc", title="Found", across="false", upwards="found", at=(0.5, 1.0, 2.0))


def result(row: str, seed: int, *values: float) -> Result:
    curves = {"froc": list(values)} if values else {}
    return Result(row=row, seed=seed, machine="here", scores={}, curves=curves)


def colours(path: Path) -> set[tuple[int, ...]]:
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return {tuple(row) for row in np.unique(pixels, axis=0).tolist()}


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_every_row_has_its_colour(tmp_path: Path) -> None:
    path = tmp_path / "pictures" / "chart.png"
    results = [result("b", 1, 0.5, 0.6, 0.7), result("a", 1, 0.1, 0.2, 0.3)]
    assert draw(CHART, ["a", "b"], results, path)
    assert {BLUE, ORANGE} <= colours(path)
    assert draw(CHART, ["a", "b"], results[:1], path)
    assert ORANGE in colours(path)
    assert BLUE not in colours(path)


def test_the_same_scores_give_the_same_picture(tmp_path: Path) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    results = [result("a", 1, 0.1, 0.2, 0.3), result("a", 2, 0.2, 0.2, 0.3)]
    for path in (one, other):
        draw(CHART, ["a"], results, path)
    assert one.read_bytes() == other.read_bytes()


def test_without_curves_nothing_is_drawn(tmp_path: Path) -> None:
    assert not draw(CHART, ["a"], [result("a", 1)], tmp_path / "chart.png")
    assert not list(tmp_path.iterdir())
