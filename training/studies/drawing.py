"""Charts of studies: one curve per row and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdk.pictures.chart import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.studies.study import Chart, Result

INCHES = (7.0, 4.4)


def draw(chart: Chart, rows: Sequence[str], results: Sequence[Result], path: Path) -> bool:
    """Writes a PNG with the curve of every result, if any has one; seeds share a row's colour."""
    drawn = [entry for entry in results if chart.curve in entry.curves]
    if not drawn:
        return False
    figure = new_figure(*INCHES)
    axes = figure.subplots()
    named: set[str] = set()
    for entry in sorted(drawn, key=lambda entry: rows.index(entry.row)):
        values = entry.curves[chart.curve]
        across = chart.at or range(1, len(values) + 1)
        label = None if entry.row in named else entry.row
        colour = f"C{rows.index(entry.row)}"
        axes.plot(across, values, "o-", color=colour, label=label, markersize=3.5)
        named.add(entry.row)
    if chart.at:
        axes.set_xscale("log", base=2)
        axes.set_xticks(chart.at, [f"{place:g}" for place in chart.at])
    axes.set(title=chart.title, xlabel=chart.across, ylabel=chart.upwards, ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return True
