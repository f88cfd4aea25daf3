"""``angioedge build``: engines for this device from the graphs of a model folder."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from sdk.acceptance import (
    certificate_path,
    certify,
    find_engine,
    judge_with,
    read_certificate,
)
from sdk.cli.qualify import show
from sdk.cli.terminal import marked, terminal
from sdk.engines import BuildRequest, Choice, Progress, Trials, build_engines, open_toolkit
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import parts_of

MOST_DETAIL = 60
"""Letters of a phase's name that fit on a line."""


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--precision",
    type=click.Choice(["auto", "int8", "fp16", "fp32"]),
    default="auto",
    show_default=True,
    help="auto: the faster of INT8 and FP16 that answer as the CPU does, or else FP32; "
    "otherwise that one or none.",
)
@click.option(
    "--workspace-mib",
    type=click.IntRange(16),
    help="Memory that a layer may use [default: a quarter of the device's].",
)
@click.option(
    "--level",
    type=click.IntRange(0, 5),
    default=3,
    show_default=True,
    help="0 builds fastest and needs least memory, 5 searches longest.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where engines are kept [default: the user's cache folder].",
)
@click.option("--rebuild", is_flag=True, help="Build even what is kept.")
def build(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    *,
    precision: str,
    workspace_mib: int | None,
    level: int,
    cache: Path | None,
    rebuild: bool,
) -> None:
    """Build TensorRT engines from MODEL, a model folder, on this device and for it.

    Every engine is qualified: it must answer as the CPU does, or the next rung is built. INT8 and
    FP16 are timed against each other. Exit code 1 if nothing that was built answers so, or the
    precision that was asked for does not.
    """
    from sdk.backends.tensorrt import time_ms

    console = terminal(stderr=True)
    folder = ModelFolder.open(model)
    toolkit = open_toolkit()
    console.print(f"{toolkit.device}, TensorRT {toolkit.machine().tensorrt}")
    if not toolkit.generation.progress:
        console.print("This TensorRT does not report how far a build is; it can take minutes.")
    request = BuildRequest(
        precision=None if precision == "auto" else precision,
        workspace_mib=workspace_mib,
        optimization_level=level,
        cache=cache,
        rebuild=rebuild,
    )
    passed = True
    for part in parts_of(folder):
        with _PhaseBars(console) as bars:
            trials = Trials(time_ms=time_ms, accept=judge_with(part))
            choice = build_engines(part, toolkit, request, trials=trials, watch=bars.show)
        terminal().print(_table(choice, part_name(part)))
        plan = find_engine(part, choice.chosen, cache)
        written = None if request.precision else read_certificate(certificate_path(plan))
        certificate = written or certify(part, plan)
        show(certificate, [certificate_path(plan)], part_name(part))
        passed &= certificate.passed
    sys.exit(not passed)


def _table(choice: Choice, network: str = "") -> Table:
    title = f"angioedge build, {network}" if network else "angioedge build"
    table = Table("precision", "", "why", title=title)
    for step in choice.steps:
        table.add_row(step.precision, "left", step.reason)
    table.add_row(choice.chosen, marked("chosen", "green"), choice.reason)
    return table


class _PhaseBars(Bars):
    """One bar per phase that is under way, with the time it is going to take."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        super().__init__(*columns, TimeRemainingColumn(), console=console, transient=True)
        self._phases: dict[str, TaskID] = {}

    def show(self, progress: Progress) -> None:
        """Moves, adds or removes the bar of a phase."""
        name = progress.phase
        if progress.finished:
            if name in self._phases:
                self.remove_task(self._phases.pop(name))
            return
        if name not in self._phases:
            self._phases[name] = self.add_task(name[:MOST_DETAIL], total=progress.steps or None)
        self.update(self._phases[name], completed=progress.done)
