"""Grade and latency of every frame of a run, as one chart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdk.errors import AngioEdgeError
from sdk.outcome import Outcome
from sdk.pictures.overlay import GRADE_COLOURS
from sdk.report import grade_of, vessels_of
from sdk.timing import STAGES

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise AngioEdgeError(
        "drawing a timeline needs matplotlib: pip install 'angioedge[pictures]'"
    ) from error

STAGE_COLOURS = ("#8da0b6", "#4c9be8", "#1f4e8c", "#e39b3b")


def draw_timeline(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes a PNG: vessel area coloured by grade above, latency by stage below."""
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    _draw_answers(above, outcomes)
    _draw_latency(below, outcomes)
    figure.savefig(path, dpi=110)


def _draw_answers(axes: Any, outcomes: Sequence[Outcome[Any]]) -> None:
    index = np.array([outcome.frame.index for outcome in outcomes])
    areas = np.array([_area(outcome) for outcome in outcomes])
    axes.plot(index, areas, color="#c8ced6", linewidth=1, zorder=1)
    grades = np.array([grade_of(outcome.answer) or "no grade" for outcome in outcomes])
    for grade in (*GRADE_COLOURS, "no grade"):
        chosen = grades == grade
        if chosen.any():
            colour = np.array(GRADE_COLOURS.get(grade, (150, 150, 150))) / 255
            axes.scatter(index[chosen], areas[chosen], s=26, color=colour, label=grade, zorder=2)
    axes.set_ylabel(f"vessel area [{_unit(outcomes)}]")
    axes.set_title("Answer of every frame, coloured by quality grade")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.25)


def _draw_latency(axes: Any, outcomes: Sequence[Outcome[Any]]) -> None:
    index = [outcome.frame.index for outcome in outcomes]
    below = np.zeros(len(outcomes))
    for stage, colour in zip(STAGES, STAGE_COLOURS, strict=True):
        ms = np.array([outcome.stages_ms.get(stage, 0.0) for outcome in outcomes])
        axes.bar(index, ms, bottom=below, width=0.9, color=colour, label=stage)
        below += ms
    backends = ", ".join(sorted({outcome.backend for outcome in outcomes}))
    axes.set_title(f"Latency of every frame by stage ({backends})")
    axes.set_ylabel("milliseconds")
    axes.set_xlabel("frame")
    axes.legend(loc="upper right", ncols=len(STAGES))
    axes.grid(alpha=0.25, axis="y")


def _area(outcome: Outcome[Any]) -> float:
    vessels = vessels_of(outcome.answer)
    if vessels is None:
        return float("nan")
    return float(vessels.area_px) if vessels.area_mm2 is None else vessels.area_mm2


def _unit(outcomes: Sequence[Outcome[Any]]) -> str:
    known = any(outcome.frame.pixel_spacing_mm for outcome in outcomes)
    return "mm²" if known else "px"
