"""The log of a training as tables for a program and as a picture for a person."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.files import write_whole
from sdk.pictures.chart import new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Row = Mapping[str, Any]

LOG, STEPS, CURVES = "log.csv", "steps.csv", "curves.png"
"""Files in the folder of a training: a row per validation, one per step, and a picture."""
OF_COURSE = ("step", "elapsed_s", "rate", "loss", "best")
"""Columns of the log that are not scores of a validation."""
COLUMNS = 2
"""Panels side by side."""


def extend(path: Path, rows: Sequence[Row]) -> None:
    """Adds rows to a table, which gets new columns where its old rows lack them."""
    if not rows:
        return
    old: list[dict[str, Any]] = []
    names = list(dict.fromkeys(name for row in rows for name in row))
    known: list[str] = []
    if path.is_file():
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            known, old = list(reader.fieldnames or ()), list(reader)
    if known and set(names) <= set(known):
        with path.open("a", newline="") as file:
            csv.DictWriter(file, known).writerows(rows)
        return
    content = StringIO(newline="")
    writer = csv.DictWriter(content, list(dict.fromkeys([*known, *names])))
    writer.writeheader()
    writer.writerows([*old, *rows])
    write_whole(path, content.getvalue().encode())


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of a table by name; NaN where a row has no number."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        names = list(reader.fieldnames or ())
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def draw(folder: Path) -> None:
    """Draws loss, learning rate and every score of the validations over the steps.

    Raises:
        AngioEdgeError: matplotlib is missing; it is part of the workstation.
    """
    log, steps = read(folder / LOG), read(folder / STEPS)
    scores = [name for name in log if name not in OF_COURSE]
    rows = -(-(2 + len(scores)) // COLUMNS)
    figure = new_figure(5.2 * COLUMNS, 2.6 * rows)
    panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
    for panel, name in zip(panels, ("loss", "rate", *scores), strict=False):
        panel.set_title(name, loc="left", fontsize=10)
        panel.grid(alpha=0.3)
    _draw_steps(panels[0], panels[1], steps)
    for panel, name in zip(panels[2:], scores, strict=False):
        panel.plot(log["step"], log[name], color="#1f4e8c", marker="o", markersize=3)
    for panel in panels[2 + len(scores) :]:
        panel.set_visible(False)
    for panel in panels[max(0, len(scores) + 2 - COLUMNS) : len(scores) + 2]:
        panel.set_xlabel("step")
        panel.tick_params(labelbottom=True)
    figure.savefig(folder / CURVES, dpi=100)


def _draw_steps(loss: Axes, rate: Axes, steps: Mapping[str, NDArray[np.float64]]) -> None:
    if not steps:
        return
    loss.plot(steps["step"], steps["loss"], color="#8da0b6", linewidth=0.6)
    loss.plot(steps["step"], running_median(steps["loss"]), color="#1f4e8c")
    rate.plot(steps["step"], steps["rate"], color="#1f4e8c")


def running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a twentieth of the values around each; single steps say little about a training."""
    reach = max(1, len(values) // 40)
    padded = np.pad(values, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(windows, axis=1))
