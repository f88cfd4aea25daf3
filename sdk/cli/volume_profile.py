"""``angioedge profile`` on volumes: what a volume, a tile and a patch cost."""

import json
import resource
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table

from sdk.cli.latency_table import latency_table
from sdk.cli.terminal import terminal
from sdk.cli.volume_run import VolumeBars
from sdk.tasks.microbleeds import MicrobleedAnswer
from sdk.volume import Volume
from sdk.volume_files import read_volume
from sdk.volume_outcome import VolumeOptions
from sdk.volume_session import VolumeSession

SLICES, SPACING_MM = 72, (2.0, 0.5, 0.5)
"""Of a made-up head, as in the published cohort."""


class _Steps:
    """Milliseconds between the steps of a stage, from calls of a progress callback."""

    def __init__(self, bars: VolumeBars) -> None:
        self.ms: dict[str, list[float]] = {}
        self._bars = bars
        self._last: tuple[str, float] = ("", 0.0)

    def show(self, stage: str, done: int, steps: int) -> None:
        """Notes the time since the step before."""
        now = time.perf_counter()
        before, then = self._last
        if done and before == stage:
            self.ms.setdefault(stage, []).append((now - then) * 1e3)
        self._bars.show(stage, done, steps)
        self._last = stage, time.perf_counter()


def profile_volumes(session: VolumeSession, volume: Volume, count: int, *, as_json: bool) -> None:
    """Answers one volume several times and prints what it took.

    Raises:
        VolumeError: the volume cannot be answered.
    """
    console = terminal(stderr=True)
    with VolumeBars(console, hidden=as_json) as bars:
        steps = _Steps(bars)
        options = VolumeOptions(progress=steps.show)
        answers = [session(volume, options).require() for _ in range(count)]
    if as_json:
        click.echo(json.dumps(_record(session, steps, answers[-1]), indent=1))
        return
    shown = terminal()
    shown.print(latency_table(session, what="volume"))
    shown.print(_table(steps, answers[-1]))
    shown.print(f"peak memory of the process: {_peak_mib():.0f} MiB")


def volume_to_profile(swi: Path | None, phase: Path | None, side: int) -> Volume:
    """The volume that was named, or a made-up head of `side` rows and columns."""
    return made_up_head((SLICES, side, side)) if swi is None else read_volume(swi, phase)


def made_up_head(shape: tuple[int, int, int]) -> Volume:
    """An ellipsoid of noise with its mask: a third of the voxels, nothing to find."""
    generator = np.random.default_rng(0)
    z, y, x = np.ogrid[tuple(slice(-1, 1, extent * 1j) for extent in shape)]
    brain = z**2 / 0.7 + y**2 / 0.8 + x**2 / 0.6 < 1
    swi, radians = (
        np.float32(spread) * generator.standard_normal(shape, np.float32) + np.float32(centre)
        for centre, spread in ((100, 5), (0, 0.1))
    )
    made_up = Volume.of_spacing(swi * brain, SPACING_MM, phase=radians * brain)
    return replace(made_up, brain=brain)


def _record(session: VolumeSession, steps: _Steps, answer: MicrobleedAnswer) -> dict[str, Any]:
    return {
        "precision": session.precision,
        "backend": session.backend,
        "notes": session.notes,
        "latency_ms": {stage: asdict(row) for stage, row in session.latency.summary().items()},
        "steps_ms": {
            stage: dict(zip(("p50", "p90", "max"), _spread(ms), strict=True)) | {"steps": len(ms)}
            for stage, ms in steps.ms.items()
        },
        "tiles": answer.tiles,
        "tiles_skipped": answer.tiles_skipped,
        "microbleeds": len(answer.microbleeds),
        "peak_mib": _peak_mib(),
    }


def _table(steps: _Steps, answer: MicrobleedAnswer) -> Table:
    caption = (
        f"a volume has {answer.tiles} tiles to search, {answer.tiles_skipped} are skipped without "
        f"brain; {len(answer.microbleeds)} microbleeds"
    )
    table = Table(title="milliseconds per tile or patch", caption=caption)
    table.add_column("")
    for column in ("p50", "p90", "max", "steps"):
        table.add_column(column, justify="right")
    for stage, name in (("detect", "tile, detector"), ("localise", "patch, regions")):
        if ms := steps.ms.get(stage):
            table.add_row(name, *(f"{value:.1f}" for value in _spread(ms)), str(len(ms)))
    return table


def _spread(ms: list[float]) -> tuple[float, float, float]:
    p50, p90 = np.percentile(ms, (50, 90)).tolist()
    return p50, p90, max(ms)


def _peak_mib() -> float:
    """Linux counts in KiB, macOS in bytes."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
