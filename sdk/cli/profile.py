"""``angioedge profile``: latency and deadline misses at a given frame rate, open loop."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from sdk.acceptance import BACKENDS
from sdk.cli.latency_table import latency_table
from sdk.dicom import read_xa
from sdk.frame import Frame
from sdk.session import Session
from sdk.timing import LatencyRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacing:
    """How an open-loop run went: frames come when they are due, whether or not we are ready.

    Attributes:
        fps: frames offered per second.
        deadline_ms: allowed time from a frame's due time to its answer.
        misses: frames answered later than that.
        stage_misses: frames in which one stage alone took longer than that.
        age_p50_ms: median time from due to answered, waiting included.
        age_p99_ms: its 99th percentile.
        age_max_ms: its worst.
    """

    fps: float
    deadline_ms: float
    misses: int
    stage_misses: dict[str, int]
    age_p50_ms: float
    age_p99_ms: float
    age_max_ms: float


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--angiogram",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="DICOM XA run to repeat [default: noise of --size].",
)
@click.option(
    "--size",
    type=click.IntRange(16, 8192),
    default=1024,
    show_default=True,
    help="Rows and columns of the noise frames.",
)
@click.option("--fps", type=click.FloatRange(0.1, 1000), default=15.0, show_default=True)
@click.option("--frames", type=click.IntRange(1), default=150, show_default=True)
@click.option("--deadline-ms", type=click.FloatRange(0.1), help="[default: one frame period]")
@click.option(
    "--precision", help="Which graph to run [default: what 'tune' chose here, otherwise fp32]."
)
@click.option("--backend", type=click.Choice(BACKENDS), help="Which library runs it.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the backend [default: all].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def profile(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    *,
    angiogram: Path | None,
    size: int,
    fps: float,
    frames: int,
    deadline_ms: float | None,
    precision: str | None,
    backend: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure MODEL, a model folder, with frames that come at a fixed rate.

    Frames are decoded before the clock starts. The age of an answer counts from when its frame
    was due, so that a slow frame also shows in those that had to wait behind it.
    """
    source = list(read_xa(angiogram)) if angiogram else _noise(size)
    with Session[Any](model, precision=precision, threads=threads, backend=backend) as session:
        offered = islice(cycle(source), frames)
        bar = track(
            offered, "measuring", total=frames, disable=as_json, console=Console(stderr=True)
        )
        ages_ms = np.array(list(_paced(session, bar, fps)))
        pacing = _judge(ages_ms, fps, deadline_ms or 1e3 / fps, session.latency)
        if as_json:
            click.echo(json.dumps(_record(session, pacing), indent=1))
            return
        _print(pacing, latency_table(session, pacing.stage_misses), frames)


def _record(session: Session[Any], pacing: Pacing) -> dict[str, Any]:
    return {
        "precision": session.precision,
        "backend": session.backend,
        "notes": session.notes,
        "latency_ms": {stage: asdict(row) for stage, row in session.latency.summary().items()},
        "pacing": asdict(pacing),
    }


def _noise(size: int) -> Sequence[Frame]:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 4096, (4, size, size), np.uint16)
    return [Frame(pixels=image, index=index, bits_stored=12) for index, image in enumerate(pixels)]


def _paced(session: Session[Any], frames: Any, fps: float) -> Iterator[float]:
    """Offers each frame when it is due and yields the age of its answer in milliseconds."""
    begin = time.perf_counter()
    for position, frame in enumerate(frames):
        due = begin + position / fps
        time.sleep(max(0.0, due - time.perf_counter()))
        session(frame)
        yield (time.perf_counter() - due) * 1e3


def _judge(ages_ms: Any, fps: float, deadline_ms: float, latency: LatencyRecord) -> Pacing:
    p50, p99 = np.percentile(ages_ms, (50, 99))
    return Pacing(
        fps=fps,
        deadline_ms=deadline_ms,
        misses=int((ages_ms > deadline_ms).sum()),
        stage_misses=latency.slower_than(deadline_ms),
        age_p50_ms=float(p50),
        age_p99_ms=float(p99),
        age_max_ms=float(ages_ms.max()),
    )


def _print(pacing: Pacing, table: Any, frames: int) -> None:
    console = Console()
    console.print(table)
    console.print(
        f"{frames} frames offered at {pacing.fps:g} per second: "
        f"[bold]{pacing.misses}[/bold] answered later than {pacing.deadline_ms:.1f} ms; age of an "
        f"answer p50 {pacing.age_p50_ms:.1f}, p99 {pacing.age_p99_ms:.1f}, "
        f"max {pacing.age_max_ms:.1f} ms"
    )
