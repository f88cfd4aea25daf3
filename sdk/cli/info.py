"""``angioedge info``: what a model folder is."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from sdk.cli.terminal import terminal
from sdk.cli.tuning_table import tuning_table
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import answers_volumes, parts_of
from sdk.tuning import read_tuning, record_path

MOST_LEVELS = 2
"""Levels of nested entries that the table shows."""
ESTIMATE = {"value", "low", "high"}
"""Entries of a number with its interval."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the verified manifest as JSON.")
def info(model: Path, *, as_json: bool) -> None:
    """Verify MODEL, a model folder, and say what it is."""
    folder = ModelFolder.open(model)
    manifest = asdict(folder.manifest)
    if as_json:
        click.echo(json.dumps(manifest, indent=2))
        return
    table = Table(title=f"{folder.path}: every file is as its manifest says", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in ("task", "graphs", "options", "intended_input", "golden", "origin"):
        table.add_row(name, _readable(manifest[name]))
    for name, sha256 in folder.manifest.files.items():
        size = (folder.path / name).stat().st_size
        table.add_row(name, f"{size / 2**10:,.1f} KiB, SHA-256 {sha256[:16]}…")
    tunings = [(part, *read_tuning(part)) for part in parts_of(folder)]
    for part, tuning, reason in tunings:
        name = record_path(part).name
        if reason:
            table.add_row(name, f"ignored: {reason}; run 'angioedge tune' on this machine")
        elif tuning is not None:
            table.add_row(name, f"{tuning.reason} Sessions on this machine run it.")
    table.add_row("try it", _trial(folder))
    console = terminal()
    console.print(table)
    for part, tuning, reason in tunings:
        if tuning is not None and not reason:
            console.print(tuning_table(tuning, part_name(part)))


def _trial(folder: ModelFolder) -> str:
    given = "SWI --phase PHASE" if answers_volumes(folder) else "RUN.dcm"
    return f"angioedge run {shlex.quote(str(folder.path))} {given}"


def _readable(value: Any) -> str:
    return "\n".join(_lines(value)) if isinstance(value, Mapping) else _text(value)


def _lines(entries: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """One line per entry, entries of entries indented; what lies deeper is counted."""
    for key, item in entries.items():
        start = "  " * depth + key
        if item in ("", None, {}, []):
            continue
        if not isinstance(item, Mapping) or item.keys() == ESTIMATE:
            yield f"{start}: {_text(item)}"
        elif depth + 1 < MOST_LEVELS:
            yield start
            yield from _lines(item, depth + 1)
        else:
            yield f"{start}: {_counted(item)}"


def _counted(entries: Mapping[str, Any]) -> str:
    return f"{len(entries)} entries, see --json"


def _text(value: Any) -> str:
    """Numbers with four digits, an estimate with its interval, other entries counted."""
    if isinstance(value, Mapping):
        if value.keys() != ESTIMATE:
            return _counted(value)
        return "{value:.4g} ({low:.4g} to {high:.4g})".format(**value)
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(item, (list, tuple)) for item in value)
        return ("; " if nested else ", ").join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
