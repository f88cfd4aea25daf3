"""``angioedge tune``: which graph, library and number of threads is fastest on this machine."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.progress import track

from sdk.acceptance import Request, open_ready
from sdk.backends import LIBRARIES, version_of
from sdk.cli.terminal import terminal
from sdk.cli.tuning_table import tuning_table
from sdk.errors import AngioEdgeError, BackendError
from sdk.machine import cores
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of
from sdk.tuning import Measured, Setting, Tuning, describe_machine, graph_hashes, write_tuning

HOPELESS = 2.0
"""Times the fastest round of all: a setting whose own fastest took longer sits out."""
TIE = 1.05
"""Times the fastest: of what lies within, the first is chosen, and the most exact comes first."""
WARM_FRAMES = 2


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--frames",
    type=click.IntRange(1),
    default=15,
    show_default=True,
    help="Of every setting in a round.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record instead of a table.")
def tune(model: Path, *, rounds: int, frames: int, as_json: bool) -> None:
    """Time the certified graphs of MODEL, a model folder, with every library and thread count.

    They take turns, so that a busy machine slows all of them alike. The fastest is recorded in the
    folder, and sessions on this machine run it from then on where they are not told otherwise.
    Within 5 % of the fastest, FP32 is preferred. Where the folder holds several networks, each has
    its own contest and record.
    """
    records: dict[str, Any] = {}
    for part in parts_of(ModelFolder.open(model)):
        contest, name = _Contest(part), part_name(part)
        for number in range(1, rounds + 1):
            title = " ".join(filter(None, (name, f"round {number} of {rounds}")))
            console = terminal(stderr=True)
            for setting in track(contest.running(), title, disable=as_json, console=console):
                contest.time(setting, frames)
        tuning = contest.judge()
        path = write_tuning(part, tuning)
        records[name] = asdict(tuning)
        if not as_json:
            terminal().print(tuning_table(tuning, name))
            click.echo(f"{tuning.reason}\nRecorded in {path}: sessions on this machine run it.")
    if as_json:
        click.echo(json.dumps(records.get("", records), indent=1))


class _Contest:
    """The settings, what they took so far, and why others take no part."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self._left_out = {
            precision: "not certified to answer as fp32 does"
            for precision in folder.manifest.graphs
            if not folder.manifest.certified(precision)
        } | {library: reason for library in LIBRARIES if (reason := _missing(library))}
        self._settings = [
            Setting(precision=precision, library=library, threads=threads)
            for precision in sorted(folder.manifest.graphs, key=lambda name: (name != "fp32", name))
            for library in LIBRARIES
            for threads in _thread_counts(cores())
            if precision not in self._left_out and library not in self._left_out
        ]
        self._rounds_ms: dict[Setting, list[float]] = {}

    def running(self) -> list[Setting]:
        """The settings that run, and may still be the fastest."""
        fastest = {setting: min(times) for setting, times in self._rounds_ms.items()}
        most = HOPELESS * min(fastest.values(), default=0.0)
        return [
            setting
            for setting in self._settings
            if str(setting) not in self._left_out and fastest.get(setting, 0.0) <= most
        ]

    def time(self, setting: Setting, frames: int) -> None:
        """Adds one round of a setting, or the reason why it cannot run."""
        try:
            self._rounds_ms.setdefault(setting, []).append(
                _inference_ms(self.folder, setting, frames)
            )
        except AngioEdgeError as error:
            self._left_out[str(setting)] = str(error)
            del self._rounds_ms[setting]

    def judge(self) -> Tuning:
        """Chooses the first of those that are as fast as the fastest.

        Raises:
            BackendError: none of them ran.
        """
        measured = tuple(
            Measured(
                setting=setting,
                rounds_ms=tuple(round(ms, 3) for ms in times),
                median_ms=round(median(times), 3),
            )
            for setting, times in self._rounds_ms.items()
        )
        if not measured:
            told = "; ".join(f"{name}: {reason}" for name, reason in self._left_out.items())
            raise BackendError(f"no graph of {self.folder.path} runs on this machine: {told}")
        least = min(item.median_ms for item in measured)
        chosen = next(item for item in measured if item.median_ms <= TIE * least)
        return Tuning(
            chosen=chosen.setting,
            reason=_reason(chosen, measured),
            measured=measured,
            left_out=self._left_out,
            machine=describe_machine(),
            graphs=graph_hashes(self.folder),
            versions={item.setting.library: version_of(item.setting.library) for item in measured},
        )


def _missing(library: str) -> str:
    """Why a library cannot be used, empty if it can."""
    try:
        version_of(library)
    except BackendError as error:
        return str(error)
    return ""


def _thread_counts(most: int) -> list[int]:
    """1, 2, 4 and so on, and every core."""
    return sorted({most, *(1 << power for power in range(most.bit_length()))})


def _inference_ms(folder: ModelFolder, setting: Setting, frames: int) -> float:
    """Median inference of a backend that is opened for it and closed again.

    An open backend would keep its threads spinning while the next one is timed. Opening verifies
    the golden vectors: a setting that does not reproduce them here is an error.
    """
    request = Request(backend=setting.library, precision=setting.precision, threads=setting.threads)
    times_ms = []
    with closing(open_ready(folder, contract_of(folder), request)) as backend:
        for _ in range(WARM_FRAMES + frames):
            begin = time.perf_counter_ns()
            backend.run()
            backend.finish()  # on a device, running has only queued it
            times_ms.append((time.perf_counter_ns() - begin) / 1e6)
    return median(times_ms[WARM_FRAMES:])


def _reason(chosen: Measured, measured: Sequence[Measured]) -> str:
    """The decision in one sentence, with its numbers."""
    said = f"{chosen.setting} takes {chosen.median_ms:.2f} ms"
    is_fp32 = chosen.setting.precision == "fp32"
    others = [m for m in measured if (m.setting.precision == "fp32") is not is_fp32]
    if not others:
        return f"{said}; there was no graph of another precision to time."
    best = min(others, key=lambda item: item.median_ms)
    return f"{said}, {best.setting} {best.median_ms:.2f} ms."
