"""``angioedge info``: what a model folder is."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sdk.model_folder import ModelFolder


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
    table = Table(title=f"{folder.path}: every file is as it was written", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in ("task", "graphs", "options", "intended_input", "golden", "origin"):
        table.add_row(name, _readable(manifest[name]))
    for name, sha256 in folder.manifest.files.items():
        size = (folder.path / name).stat().st_size
        table.add_row(name, f"{size / 2**20:.2f} MiB, SHA-256 {sha256[:16]}…")
    Console().print(table)


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items() if item != "")
    return str(value)
