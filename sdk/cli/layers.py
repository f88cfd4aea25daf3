"""``angioedge layers``: what each layer of this device's engine is and costs."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from sdk.acceptance import find_engine
from sdk.backends.tensorrt_layers import LayerReport
from sdk.cli.terminal import terminal
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import parts_of


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--precision", help="Of the engine [default: the one chosen when built].")
@click.option("--runs", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where engines are kept [default: the user's cache folder].",
)
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="Rows shown.")
@click.option("--json", "as_json", is_flag=True, help="Print every layer, with what it is.")
def layers(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    *,
    precision: str | None,
    runs: int,
    cache: Path | None,
    most: int,
    as_json: bool,
) -> None:
    """Time every layer of the TensorRT engine of MODEL, a model folder, on this device."""
    from sdk.backends.tensorrt import open_plan

    reports = {}
    for part in parts_of(ModelFolder.open(model)):
        plan = find_engine(part, precision, cache)
        with closing(open_plan(plan)) as backend:
            report = backend.layers(runs)
            title = f"{backend.name}, {runs} runs, launched {backend.launches} when not measured"
        name = part_name(part)
        reports[name] = asdict(report)
        if not as_json:
            terminal().print(_table(report, f"{name}, {title}" if name else title, most))
    if as_json:
        click.echo(json.dumps(reports.get("", reports), indent=1))


def _table(report: LayerReport, title: str, most: int) -> Table:
    total = sum(report.times_ms.values())
    slowest = sorted(report.times_ms.items(), key=lambda row: -row[1])[:most]
    table = Table("layer", "ms", "share", title=title)
    for name, ms in slowest:
        table.add_row(name, f"{ms:.4f}", f"{ms / total:.1%}")
    table.add_row(f"all {len(report.times_ms)} layers", f"{total:.4f}", "")
    return table
