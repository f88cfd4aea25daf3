"""Fair timing: contestants take turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MISSING = float("nan")  # time of a peer that is not installed


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a benchmark table.

    Attributes:
        job: what is done, to what.
        ours_ms: median time of one call.
        peers_ms: the same of each peer, `MISSING` where it is not installed.
        target: time of the best peer divided by ours that the project aims at, None for no aim.
        note: threads, settings, what a reader must know.
    """

    job: str
    ours_ms: float
    peers_ms: dict[str, float]
    target: float | None = None
    note: str = ""

    @property
    def gain(self) -> float:
        """Time of the best peer divided by ours."""
        return (
            min((ms for ms in self.peers_ms.values() if not isnan(ms)), default=MISSING)
            / self.ours_ms
        )


def paired(
    ours: Callable[[], object],
    peers: Mapping[str, Callable[[], object]],
    repeats: int = 21,
    warm: int = 3,
) -> tuple[float, dict[str, float]]:
    """Median milliseconds of ours and of each peer, of interleaved repetitions."""
    calls = {"": ours, **peers}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(warm + repeats):
        for name, call in calls.items():
            start = perf_counter()
            call()
            if turn >= warm:
                times[name].append((perf_counter() - start) * 1e3)
    medians = {name: median(measured) for name, measured in times.items()}
    return medians.pop(""), medians


def print_table(rows: Sequence[Row]) -> None:
    """Prints rows as a Markdown table."""
    print("| job | ours, ms | peers, ms | gain | target | note |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        peers = ", ".join(
            f"{name} {'missing' if isnan(ms) else f'{ms:.3f}'}" for name, ms in row.peers_ms.items()
        )
        gain = "-" if isnan(row.gain) else f"{row.gain:.1f}x"
        target = "-" if row.target is None else f"{row.target:g}x"
        print(f"| {row.job} | {row.ours_ms:.3f} | {peers} | {gain} | {target} | {row.note} |")
