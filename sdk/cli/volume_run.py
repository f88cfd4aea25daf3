"""``angioedge run`` on a volume: microbleeds as a table, in files, and as pictures."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sdk.cli.extras import Extras
from sdk.cli.latency_table import latency_table
from sdk.cli.structured_report import FILE
from sdk.cli.terminal import marked, terminal
from sdk.errors import VolumeError
from sdk.tasks.microbleeds import MicrobleedAnswer
from sdk.volume import Volume
from sdk.volume_files import read_mask, read_volume
from sdk.volume_outcome import VolumeOptions, VolumeOutcome
from sdk.volume_report import (
    count_by_region,
    dropped_by_reason,
    write_candidates,
    write_volume_record,
)
from sdk.volume_session import VolumeSession

if TYPE_CHECKING:
    from sdk.structured_report import VolumeReport

SHOWN = 30
"""Bleeds that the printed table holds; the files hold all."""


@dataclass(frozen=True, kw_only=True)
class VolumeInput:
    """What the command line says about a volume."""

    image: Path
    """SWI: a NIfTI or enhanced MR file, or the folder of a DICOM series."""
    phase: Path | None = None
    """Its phase, likewise; None where the series of the SWI brings it along."""
    brain: Path | None = None
    """A mask on the same grid; None estimates it."""
    phase_sign: int | None = None
    """What to multiply the phase with; None follows the header."""

    @property
    def lacks_phase(self) -> bool:
        """Whether it can be told without reading that there is no phase."""
        from sdk.dicom.series import is_dicom

        series = self.image.is_dir() or is_dicom(self.image)
        return self.phase is None and not series

    def read(self) -> Volume:
        """The volume in axial order.

        Raises:
            VolumeError: a file is no such image, they do not lie on each other, or there is no
                phase.
            DicomError: a series is damaged or incomplete.
        """
        volume = read_volume(self.image, self.phase, phase_sign=self.phase_sign)
        if volume.phase is None:
            raise VolumeError(
                f"{self.image} holds no phase, which microbleeds need: add --phase FILE_OR_FOLDER"
            )
        return (
            volume if self.brain is None else replace(volume, brain=read_mask(self.brain, volume))
        )


class VolumeBars:
    """One bar per stage of a volume; `show` is the progress callback; a context manager."""

    def __init__(self, console: Console, *, hidden: bool = False) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=hidden,
        )
        self._stages: dict[str, Any] = {}

    def show(self, stage: str, done: int, steps: int) -> None:
        """Moves the bar of a stage."""
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(stage, total=steps)
        self._bars.update(self._stages[stage], completed=done, total=steps)

    def __enter__(self) -> "VolumeBars":  # noqa: PYI034  Self came with Python 3.11
        self._bars.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()


def run_volume(
    session: VolumeSession,
    volume: Volume,
    out: Path,
    extras: Extras,
    report: "VolumeReport | None" = None,
) -> None:
    """Answers a volume and writes what was found into an existing folder.

    Raises:
        VolumeError: there is no answer; the record that says why is written all the same.
    """
    console = terminal()
    with VolumeBars(terminal(stderr=True)) as bars:
        options = VolumeOptions(progress=bars.show, whole_regions=extras.whole_regions)
        outcome = session(volume, options)
    write_volume_record(out / "microbleeds.json", outcome)
    answer = outcome.require()
    write_candidates(out / "microbleeds.csv", answer)
    if report:
        report.write(out / FILE, outcome)
    if answer.regions is not None:
        from sdk.nifti import write_nifti

        write_nifti(out / "regions.nii.gz", answer.regions, answer.volume.to_patient)
    if extras.pictures:
        with console.status("drawing") if console.is_terminal else nullcontext():
            _draw(answer, out)
    show(outcome, answer, console)
    console.print(latency_table(session, what="volume"))
    console.print("Done: look into", marked(str(out), "bold"))


def show(outcome: VolumeOutcome, answer: MicrobleedAnswer, console: Console) -> None:
    """Prints the bleeds and what became of the other candidates."""
    table = Table(title=_title(answer), caption="\n".join(outcome.notes))
    table.add_column("", justify="right")
    table.add_column("region")
    for column in ("score", "mm", "x, y, z in the patient, mm", "slice, row, column"):
        table.add_column(column, justify="right")
    for number, bleed in enumerate(answer.microbleeds[:SHOWN], 1):
        table.add_row(
            str(number),
            bleed.region.name.lower(),
            f"{bleed.score:.2f}",
            f"{bleed.diameter_mm:.1f}",
            ", ".join(f"{at:.1f}" for at in bleed.patient_mm),
            ", ".join(f"{at:.1f}" for at in bleed.voxel),
        )
    if answer.microbleeds:
        console.print(table)
    else:
        console.print(marked("no microbleeds", "bold"), *outcome.notes, sep="\n")
    if len(answer.microbleeds) > SHOWN:
        console.print(f"{len(answer.microbleeds) - SHOWN} more in microbleeds.csv")
    for reason, count in dropped_by_reason(answer).items():
        console.print(f"{count} dropped: {reason.value}")
    console.print(f"{answer.tiles} tiles searched, {answer.tiles_skipped} skipped without brain")


def _title(answer: MicrobleedAnswer) -> str:
    counts = count_by_region(answer.microbleeds).items()
    said = ", ".join(f"{count} {region.name.lower()}" for region, count in counts)
    return f"{len(answer.microbleeds)} microbleeds: {said}"


def _draw(answer: MicrobleedAnswer, out: Path) -> None:
    from sdk.pictures.microbleed_sheet import draw_microbleeds
    from sdk.pictures.overview import draw_overview

    draw_microbleeds(answer, out)
    draw_overview(answer, out / "overview.png")
