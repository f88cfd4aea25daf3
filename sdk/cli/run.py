"""``angioedge run``: a run or a volume through a model folder, answers and pictures out."""

import sys
from pathlib import Path
from typing import Any

import click

from sdk.acceptance import BACKENDS
from sdk.cli.extras import Extras
from sdk.cli.frame_run import run_frames
from sdk.cli.out_folder import make_empty
from sdk.cli.structured_report import volume_report_of
from sdk.cli.terminal import left_out
from sdk.cli.volume_run import VolumeInput, run_volume
from sdk.model_folder import ModelFolder
from sdk.runs import open_runs
from sdk.session import Session
from sdk.tasks import answers_volumes
from sdk.volume_session import VolumeSession


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("image", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--phase",
    type=click.Path(exists=True, path_type=Path),
    help="Phase of a volume: a NIfTI or enhanced MR file, or the folder of a series.",
)
@click.option(
    "--brain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Brain mask of a volume, NIfTI on the same grid [default: estimated].",
)
@click.option(
    "--phase-sign",
    type=click.Choice(["1", "-1"]),
    help="Multiply the phase with it [default: as the header says].",
)
@click.option("--whole-regions", is_flag=True, help="Label the whole brain: regions.nii.gz.")
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
    help="Overlay video, contact sheet and timeline; or views of microbleeds and an overview.",
)
@click.option(
    "--segmentation",
    is_flag=True,
    help="The masks of a DICOM run as a DICOM Segmentation too: segmentation.dcm.",
)
@click.option(
    "--structured-report",
    is_flag=True,
    help="What was measured on DICOM images as a DICOM Structured Report too: "
    "structured_report.dcm.",
)
def run(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    image: Path,
    out: Path,
    *,
    phase: Path | None,
    brain: Path | None,
    phase_sign: str | None,
    whole_regions: bool,
    precision: str | None,
    backend: str | None,
    threads: int | None,
    pictures: bool,
    segmentation: bool,
    structured_report: bool,
) -> None:
    """Run MODEL, a model folder, over IMAGE.

    For a task on frames, IMAGE is a DICOM XA file, an .npy, .npz or NIfTI file, a grey PNG file, or
    a folder of them; the PNG files of a folder are one run. Writes outcomes.json and, unless told
    otherwise, overlay.webm, contact_sheet.png and timeline.png into the folder OUT; of several runs
    each has a folder of its own there. Exit code 1 if a frame cannot be read, the backend fails on
    one, or a run has no answer.

    For microbleeds, IMAGE is an SWI volume, a NIfTI or enhanced MR file, or the folder of a series,
    and --phase is needed where that does not bring its phase along. Writes microbleeds.json,
    microbleeds.csv, microbleeds.png and overview.png.

    What an earlier call wrote into OUT is removed first.
    """
    given = VolumeInput(
        image=image,
        phase=phase,
        brain=brain,
        phase_sign=int(phase_sign) if phase_sign else None,
    )
    extras = Extras(
        pictures=pictures,
        whole_regions=whole_regions,
        segmentation=segmentation,
        structured_report=structured_report,
    )
    asked: dict[str, Any] = {"precision": precision, "threads": threads, "backend": backend}
    if answers_volumes(ModelFolder.open(model)):
        if segmentation:
            raise click.UsageError(f"{model} answers volumes: --segmentation is of frames")
        if given.lacks_phase:
            raise click.UsageError(
                "microbleeds need the phase beside the SWI: add --phase FILE_OR_FOLDER"
            )
        make_empty(out, (image, phase, brain))
        volume = given.read()
        with VolumeSession(model, **asked) as volumes:
            report = volume_report_of(volumes, image, phase) if structured_report else None
            run_volume(volumes, volume, out, extras, report)
        return
    if whole_regions or given != VolumeInput(image=image):
        raise click.UsageError(f"{model} answers frames: it takes no option of volumes")
    make_empty(out, (image,))
    runs = open_runs(image, left_out=left_out)
    with Session[Any](model, **asked) as session:
        sys.exit(not run_frames(session, runs, out, extras))
