"""``angioedge profile``: latency and deadline misses at a frame rate; or of volumes."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from threading import Thread
from typing import Any

import click
import numpy as np
from rich.progress import track

from sdk.acceptance import BACKENDS
from sdk.cli.latency_table import latency_table
from sdk.cli.terminal import left_out, terminal
from sdk.cli.volume_profile import profile_volumes, volume_to_profile
from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.model_folder import ModelFolder
from sdk.outcome import Outcome
from sdk.runs import open_runs
from sdk.session import Session
from sdk.tasks import answers_volumes
from sdk.timing import LatencyRecord
from sdk.volume_session import VolumeSession

FPS, FRAMES, FRAME_SIDE, VOLUME_SIDE = 15.0, 150, 1024, 448


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacing:
    """How an open-loop run went: frames come when they are due, whether or not we are ready.

    Attributes:
        fps: frames offered per second.
        deadline_ms: allowed time from a frame's due time to its answer.
        unanswered: frames that were rejected, failed or dropped; they are not in what follows but
            for ``stage_misses``.
        misses: frames answered later than the deadline.
        stage_misses: frames in which one stage alone took longer than the deadline.
        age_p50_ms: median time from due to answered, waiting included.
        age_p99_ms: its 99th percentile.
        age_max_ms: its worst.
    """

    fps: float
    deadline_ms: float
    unanswered: int
    misses: int
    stage_misses: dict[str, int]
    age_p50_ms: float
    age_p99_ms: float
    age_max_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How frames are offered.

    Attributes:
        fps: frames per second.
        frames: how many.
        deadline_ms: allowed time from a frame's due time to its answer.
        live: whether they are pushed, so that what comes too late is dropped.
    """

    fps: float
    frames: int
    deadline_ms: float
    live: bool


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--angiogram",
    type=click.Path(exists=True, path_type=Path),
    help="Run to repeat: a file or a folder, as 'run' takes them [default: noise of --size].",
)
@click.option(
    "--swi",
    type=click.Path(exists=True, path_type=Path),
    help="Volume to repeat: NIfTI, or the folder of a DICOM series [default: a made-up head].",
)
@click.option("--phase", type=click.Path(exists=True, path_type=Path), help="Phase of --swi.")
@click.option(
    "--size",
    type=click.IntRange(16, 8192),
    help="Rows and columns of noise frames or of the made-up head [default: 1024 or 448].",
)
@click.option("--fps", type=click.FloatRange(0.1, 1000), help="[default: 15]")
@click.option("--frames", type=click.IntRange(1), help="How many frames [default: 150].")
@click.option("--volumes", type=click.IntRange(1), help="How many volumes [default: 1].")
@click.option("--deadline-ms", type=click.FloatRange(0.1), help="[default: one frame period]")
@click.option(
    "--live", is_flag=True, help="Push frames as a scanner does: what comes too late is dropped."
)
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
    swi: Path | None,
    phase: Path | None,
    size: int | None,
    fps: float | None,
    frames: int | None,
    volumes: int | None,
    deadline_ms: float | None,
    live: bool,
    precision: str | None,
    backend: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure MODEL, a model folder, with frames that come at a fixed rate, or with volumes.

    Frames are decoded before the clock starts. The age of an answer counts from when its frame
    was due, so that a slow frame also shows in those that had to wait behind it; with --live those
    are dropped. Volumes follow each other; what a tile and a patch take is said too. Exit code 1 if
    nothing is answered.
    """
    if size is not None and (angiogram or swi):
        raise click.UsageError("--size is of noise and made-up heads; leave it out for a recording")
    asked: dict[str, Any] = {"precision": precision, "threads": threads, "backend": backend}
    if answers_volumes(ModelFolder.open(model)):
        of_frames = {"fps": fps, "frames": frames, "deadline_ms": deadline_ms, "live": live or None}
        _refuse(model, "volumes", angiogram=angiogram, **of_frames)
        if phase and swi is None:
            raise click.UsageError("--phase is that of a recorded volume; give it too, with --swi")
        with VolumeSession(model, **asked) as session:
            volume = volume_to_profile(swi, phase, size or VOLUME_SIDE)
            profile_volumes(session, volume, volumes or 1, as_json=as_json)
        return
    _refuse(model, "frames", swi=swi, phase=phase, volumes=volumes)
    fps = fps or FPS
    limit_ms = deadline_ms or 1e3 / fps
    pace = Pace(fps=fps, frames=frames or FRAMES, deadline_ms=limit_ms, live=live)
    source = (
        _recorded(angiogram, pace.frames) if angiogram else _noise(size or FRAME_SIDE, pace.frames)
    )
    with Session[Any](model, **asked) as frame_session:
        _profile_frames(frame_session, source, pace, as_json=as_json)


def _refuse(model: Path, answers: str, **given: object) -> None:
    asked = (f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None)
    if names := ", ".join(asked):
        raise click.UsageError(f"{model} answers {answers}: {names} is not for it")


def _profile_frames(
    session: Session[Any], source: Sequence[Frame], pace: Pace, *, as_json: bool
) -> None:
    offered = islice(cycle(source), pace.frames)
    offer = _pushed if pace.live else _paced
    bar = track(
        offer(session, offered, pace),
        "measuring",
        total=pace.frames,
        disable=as_json,
        console=terminal(stderr=True),
    )
    offers = list(bar)
    ages_ms = np.array([age_ms for age_ms, unanswered in offers if not unanswered])
    reasons = [unanswered for _, unanswered in offers if unanswered]
    if not len(ages_ms):
        raise FrameError(f"none of {len(offers)} frames was answered; the first: {reasons[0]}")
    pacing = _judge(ages_ms, len(reasons), pace, session.latency)
    if as_json:
        click.echo(json.dumps(_record(session, pacing), indent=1))
        return
    _print(pacing, latency_table(session, pacing.stage_misses), pace.frames)
    if reasons:
        terminal().print(f"{len(reasons)} frames have no answer; the first: {reasons[0]}")


def _record(session: Session[Any], pacing: Pacing) -> dict[str, Any]:
    return {
        "precision": session.precision,
        "backend": session.backend,
        "notes": session.notes,
        "latency_ms": {stage: asdict(row) for stage, row in session.latency.summary().items()},
        "pacing": asdict(pacing),
    }


def _recorded(angiogram: Path, most: int) -> Sequence[Frame]:
    runs = open_runs(angiogram, left_out=left_out)
    return list(islice(chain.from_iterable(runs), most))


def _noise(size: int, count: int) -> Sequence[Frame]:
    """One run of so many frames, of four images in turn."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 4096, (4, size, size), np.uint16)
    return [Frame(pixels=images[n % len(images)], index=n, bits_stored=12) for n in range(count)]


def _paced(
    session: Session[Any], frames: Iterable[Frame], pace: Pace
) -> Iterator[tuple[float, str]]:
    """Offers each frame when it is due and yields the age of its outcome in milliseconds.

    Beside it stands why the frame has no answer, empty if it has one.
    """
    last = -1
    for due, frame in _when_due(frames, pace):
        if frame.index <= last:
            session.reset()
        last = frame.index
        outcome = session(frame)
        yield (time.perf_counter() - due) * 1e3, _why_unanswered(outcome)


def _pushed(
    session: Session[Any], frames: Iterable[Frame], pace: Pace
) -> Iterator[tuple[float, str]]:
    """The same, but nothing waits for an answer: each frame is pushed when it is due."""

    dues = deque[float]()

    def scanner() -> None:
        last = -1
        try:
            for due, frame in _when_due(frames, pace):
                if frame.index <= last:
                    live.begin_run()
                last = frame.index
                dues.append(due)
                live.push(frame)
        finally:
            live.finish()

    with session.live(deadline_ms=pace.deadline_ms) as live:
        Thread(target=scanner, daemon=True).start()
        for outcome in live:
            yield (time.perf_counter() - dues.popleft()) * 1e3, _why_unanswered(outcome)


def _when_due(frames: Iterable[Frame], pace: Pace) -> Iterator[tuple[float, Frame]]:
    """Each frame when it is due, and when that was; at once if that has passed."""
    begin = time.perf_counter()
    for position, frame in enumerate(frames):
        due = begin + position / pace.fps
        time.sleep(max(0.0, due - time.perf_counter()))
        yield due, frame


def _why_unanswered(outcome: Outcome[Any]) -> str:
    return "" if outcome.answer is not None else outcome.reason or outcome.status.value


def _judge(ages_ms: Any, unanswered: int, pace: Pace, latency: LatencyRecord) -> Pacing:
    p50, p99 = np.percentile(ages_ms, (50, 99))
    return Pacing(
        fps=pace.fps,
        deadline_ms=pace.deadline_ms,
        unanswered=unanswered,
        misses=int((ages_ms > pace.deadline_ms).sum()),
        stage_misses=latency.slower_than(pace.deadline_ms),
        age_p50_ms=float(p50),
        age_p99_ms=float(p99),
        age_max_ms=float(ages_ms.max()),
    )


def _print(pacing: Pacing, table: Any, frames: int) -> None:
    console = terminal()
    console.print(table)
    console.print(
        f"{frames} frames offered at {pacing.fps:g} per second: "
        f"{pacing.misses} answered later than {pacing.deadline_ms:.1f} ms; age of an "
        f"answer p50 {pacing.age_p50_ms:.1f}, p99 {pacing.age_p99_ms:.1f}, "
        f"max {pacing.age_max_ms:.1f} ms"
    )
