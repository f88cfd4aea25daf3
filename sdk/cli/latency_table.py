"""The latency table that `run` and `profile` print."""

from collections.abc import Mapping

from rich.table import Table

from sdk.opened_folder import OpenedFolder


def latency_table(
    session: OpenedFolder, misses: Mapping[str, int] | None = None, what: str = "frame"
) -> Table:
    """Milliseconds per stage: median, tail, worst, jitter, and deadline misses if there are any.

    What the session says about how it runs stands below.
    """
    latency = session.latency.summary()
    frames = max((row.frames for row in latency.values()), default=0)
    runs = " on ".join(filter(None, (session.precision, session.backend)))
    title = f"milliseconds per {what}, {frames} {what}{'s' if frames != 1 else ''}, {runs}"
    table = Table(title=title, caption="\n".join(session.notes))
    table.add_column("stage")
    for column in ("p50", "p90", "p99", "max", "jitter"):
        table.add_column(column, justify="right")
    if misses is not None:
        table.add_column("misses", justify="right")
    for stage, row in latency.items():
        values = (row.p50_ms, row.p90_ms, row.p99_ms, row.max_ms, row.jitter_ms)
        missed = () if misses is None else (str(misses[stage]),)
        table.add_row(stage, *(f"{value:.2f}" for value in values), *missed)
    return table
