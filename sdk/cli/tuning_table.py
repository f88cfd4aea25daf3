"""The table of what was tuned, as `tune` and `info` print it."""

from rich.table import Table

from sdk.tuning import Tuning


def tuning_table(tuning: Tuning, network: str = "") -> Table:
    """What was measured, the chosen one marked, and what was left out and why.

    Args:
        tuning: the record.
        network: its name where a model folder holds several.
    """
    machine = tuning.machine
    start = f"{network}: " if network else ""
    title = f"{start}milliseconds per inference, {machine['processor']}, {machine['cores']} cores"
    table = Table(title=title)
    table.add_column("")
    table.add_column("graph and library", overflow="fold")
    table.add_column("median", justify="right")
    table.add_column("rounds", overflow="fold")
    for item in tuning.measured:
        mark = "chosen" if item.setting == tuning.chosen else ""
        rounds = ", ".join(f"{ms:.1f}" for ms in item.rounds_ms)
        table.add_row(mark, str(item.setting), f"{item.median_ms:.2f}", rounds)
    for name, reason in tuning.left_out.items():
        table.add_row("left out", name, "", reason)
    return table
