"""Grade and latency of every frame of a run, as one chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.chart import new_figure
from sdk.pictures.overlay import GRADE_COLOURS
from sdk.report import grade_of, vessels_of
from sdk.timing import STAGES

STAGE_COLOURS = ("#8da0b6", "#4c9be8", "#1f4e8c", "#e39b3b")


BESIDE: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
"""Where a legend hides no frame."""


@dataclass(frozen=True, kw_only=True)
class _Point:
    """What the chart shows of one outcome."""

    index: int
    grade: str
    area: float
    in_mm: bool
    stages_ms: Mapping[str, float]
    backend: str


class Timeline:
    """Takes the outcomes of a run one by one and keeps their numbers."""

    def __init__(self) -> None:
        self._points: list[_Point] = []

    def add(self, outcome: Outcome[Any]) -> None:
        """Notes the next outcome."""
        vessels = vessels_of(outcome.answer)
        area_px = float("nan") if vessels is None else float(vessels.area_px)
        area_mm2 = None if vessels is None else vessels.area_mm2
        self._points.append(
            _Point(
                index=outcome.frame.index,
                grade=grade_of(outcome.answer) or "no grade",
                area=area_px if area_mm2 is None else area_mm2,
                in_mm=outcome.frame.pixel_spacing_mm is not None,
                stages_ms=outcome.stages_ms,
                backend=outcome.backend,
            )
        )

    def save(self, path: Path) -> None:
        """Writes a PNG: vessel area coloured by grade above, latency by stage below."""
        figure = new_figure(11, 5.5)
        above, below = figure.subplots(2, 1, sharex=True)
        _draw_answers(above, self._points)
        _draw_latency(below, self._points)
        figure.savefig(path, dpi=110)


def draw_timeline(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes a PNG: vessel area coloured by grade above, latency by stage below."""
    timeline = Timeline()
    for outcome in outcomes:
        timeline.add(outcome)
    timeline.save(path)


def _draw_answers(axes: Any, points: Sequence[_Point]) -> None:
    index = np.array([point.index for point in points])
    areas = np.array([point.area for point in points])
    axes.plot(index, areas, color="#c8ced6", linewidth=1, zorder=1)
    grades = np.array([point.grade for point in points])
    for grade in (*GRADE_COLOURS, "no grade"):
        chosen = grades == grade
        if chosen.any():
            colour = np.array(GRADE_COLOURS.get(grade, (150, 150, 150))) / 255
            axes.scatter(index[chosen], areas[chosen], s=26, color=colour, label=grade, zorder=2)
    unit = "mm²" if any(point.in_mm for point in points) else "px"
    axes.set_ylabel(f"vessel area [{unit}]")
    if set(grades) & set(GRADE_COLOURS):
        axes.set_title("Answer of every frame, coloured by quality grade")
        axes.legend(**BESIDE)
    else:
        axes.set_title("Answer of every frame")
    axes.grid(alpha=0.25)


def _draw_latency(axes: Any, points: Sequence[_Point]) -> None:
    index = [point.index for point in points]
    below = np.zeros(len(points))
    for stage, colour in zip(STAGES, STAGE_COLOURS, strict=True):
        ms = np.array([point.stages_ms.get(stage, 0.0) for point in points])
        axes.bar(index, ms, bottom=below, width=0.9, color=colour, label=stage)
        below += ms
    backends = ", ".join(sorted({point.backend for point in points}))
    axes.set_title(f"Latency of every frame by stage ({backends})")
    axes.set_ylabel("milliseconds")
    axes.set_xlabel("frame")
    axes.legend(**BESIDE)
    axes.grid(alpha=0.25, axis="y")
