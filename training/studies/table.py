"""Tables of studies: every score with its 95 % interval, and the difference to a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.metrics import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.studies.study import Column, Result, Study

RESAMPLES = 2000


def table(study: Study, results: Sequence[Result]) -> str:
    """The study in Markdown; a row without results says which command makes them.

    Values are means over seeds, the intervals those of a bootstrap over the held-out items, which
    are the same in every row, so that differences are paired.
    """
    titles = [column.title for column in study.columns]
    lines = [
        f"### {study.question}",
        "",
        _heading(study, results),
        "",
        "| " + " | ".join(["", *titles, f"{titles[0]} against {study.reference}", "seeds"]) + " |",
        "|---" + "|---:" * (len(titles) + 2) + "|",
    ]
    lines += [_line(study, row, results) for row in study.rows()]
    remark = study.remark(results) if study.remark and results else ""
    return "\n".join([*lines, *(["", remark] if remark else [])]) + "\n"


def estimate(column: Column, results: Sequence[Result]) -> Estimate:
    """A column's value over the results of one row."""
    return _interval(_resampled(column, results))


def difference(column: Column, one: Sequence[Result], other: Sequence[Result]) -> Estimate:
    """How much larger a column is in one row than in another, item by item.

    Raises:
        ValueError: the rows were scored on different numbers of items.
    """
    if _items(one) != _items(other):
        message = f"expected rows with the same items, got {_items(one)} and {_items(other)}"
        raise ValueError(message)
    return _interval(_resampled(column, one) - _resampled(column, other))


def _heading(study: Study, results: Sequence[Result]) -> str:
    if not results:
        return f"Not run yet: `angioedge train study {study.name}`."
    machines = ", ".join(sorted({entry.machine for entry in results}))
    return (
        f"{_items(results)} {study.items}, 95 % intervals over them; trained and scored on "
        f"{machines}. `angioedge train study {study.name}` runs it again."
    )


def _line(study: Study, row: str, results: Sequence[Result]) -> str:
    own = [entry for entry in results if entry.row == row]
    reference = [entry for entry in results if entry.row == study.reference]
    if not own:
        return f"| {row} | not run |" + " |" * (len(study.columns) + 1)
    cells = [_cell(estimate(column, own)) for column in study.columns]
    cells.append("" if row == study.reference else _compared(study, own, reference))
    cells.append(str(len({entry.seed for entry in own})))
    return f"| {row} | " + " | ".join(cells) + " |"


def _compared(study: Study, own: Sequence[Result], reference: Sequence[Result]) -> str:
    """The difference over the seeds that both rows have."""
    seeds = {entry.seed for entry in own} & {entry.seed for entry in reference}
    if not seeds:
        return ""
    pairs = ([entry for entry in row if entry.seed in seeds] for row in (own, reference))
    return _signed(difference(study.columns[0], *pairs))


def _items(results: Sequence[Result]) -> int:
    return len(next(iter(results[0].scores.values())))


def _resampled(column: Column, results: Sequence[Result]) -> NDArray[np.float64]:
    """(1 + RESAMPLES,) the value itself, then those of random draws of the items."""
    above = np.array([entry.scores[column.score] for entry in results], np.float64)
    if column.per is None:
        below = (~np.isnan(above)).astype(np.float64)
        above = np.nan_to_num(above)
    else:
        below = np.array([entry.scores[column.per] for entry in results], np.float64)
    count = above.shape[1]
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    chosen = np.vstack([np.arange(count), drawn])
    with np.errstate(invalid="ignore"):  # a draw may hold no item with a score
        ratios: NDArray[np.float64] = above.sum(0)[chosen].sum(1) / below.sum(0)[chosen].sum(1)
    return ratios


def _interval(values: NDArray[np.float64]) -> Estimate:
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return Estimate(value=float(values[0]), low=float(low), high=float(high))


def _cell(value: Estimate) -> str:
    return "" if np.isnan(value.value) else str(value)


def _signed(value: Estimate) -> str:
    return f"{value.value:+.3f} ({value.low:+.3f} to {value.high:+.3f})"
