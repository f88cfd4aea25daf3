"""``angioedge run``: a recorded run through a model folder, answers and pictures out."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import track

from sdk.acceptance import BACKENDS
from sdk.cli.latency_table import latency_table
from sdk.dicom import read_xa
from sdk.outcome import Outcome
from sdk.report import write_outcomes
from sdk.session import Session

if TYPE_CHECKING:
    from sdk.dicom.xa import XaRun
    from sdk.pictures import Album


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("angiogram", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for answers and pictures.",
)
@click.option(
    "--precision", help="Which graph to run [default: what 'tune' chose here, otherwise fp32]."
)
@click.option("--backend", type=click.Choice(BACKENDS), help="Which library runs it.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the backend [default: all].")
@click.option(
    "--pictures/--no-pictures",
    default=True,
    show_default=True,
    help="Overlay video, contact sheet and timeline.",
)
def run(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    angiogram: Path,
    out: Path,
    *,
    precision: str | None,
    backend: str | None,
    threads: int | None,
    pictures: bool,
) -> None:
    """Run MODEL, a model folder, over ANGIOGRAM, a DICOM XA file.

    Writes outcomes.json and, unless told otherwise, overlay.webm, contact_sheet.png and
    timeline.png into the folder OUT.
    """
    console = Console()
    with Session[Any](model, precision=precision, threads=threads, backend=backend) as session:
        frames = read_xa(angiogram)
        out.mkdir(parents=True, exist_ok=True)
        outcomes = _watched(session, frames, console)
        with ExitStack() as stack:
            if pictures:
                album = stack.enter_context(_album(out, frames))
                outcomes = album.drawn(outcomes)
            write_outcomes(out / "outcomes.json", outcomes, session.latency)
        console.print(latency_table(session))
    console.print(f"Done: look into [bold]{out}[/bold]")


def _watched(session: Session[Any], frames: "XaRun", console: Console) -> Iterator[Outcome[Any]]:
    outcomes = session.stream(frames)
    yield from track(outcomes, "answering", total=len(frames), console=console)


def _album(out: Path, frames: "XaRun") -> "Album":
    from sdk.pictures import Album

    return Album(out, len(frames), frames.frame_rate_hz)
