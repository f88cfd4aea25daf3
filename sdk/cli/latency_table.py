"""The latency table that `run` and `profile` print."""

from collections.abc import Mapping

from rich.table import Table

from sdk.timing import Latency


def latency_table(latency: Mapping[str, Latency], backend: str) -> Table:
    """Milliseconds per stage: median, tail, worst, jitter."""
    frames = max((row.frames for row in latency.values()), default=0)
    table = Table(title=f"milliseconds per frame, {frames} frames, {backend}")
    table.add_column("stage")
    for column in ("p50", "p90", "p99", "max", "jitter"):
        table.add_column(column, justify="right")
    for stage, row in latency.items():
        values = (row.p50_ms, row.p90_ms, row.p99_ms, row.max_ms, row.jitter_ms)
        table.add_row(stage, *(f"{value:.2f}" for value in values))
    return table
