"""``python -m export``: model folders from trained checkpoints and from vendors' networks."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click

from export.bring_your_own import Description, import_network
from sdk.cli.ending import one_sentence
from sdk.tasks.segmentation import Layout, Values


def numbers(text: str) -> tuple[float, ...]:
    """Numbers between commas."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        message = f"expected numbers between commas, got {text!r}"
        raise click.BadParameter(message) from error


SIDE = click.IntRange(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def export() -> None:
    """Make model folders (workstation)."""


@export.command("import")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--task", type=click.Choice(["segmentation"]), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--layout", type=click.Choice(get_args(Layout)), default="NCHW", show_default=True)
@click.option(
    "--values",
    type=click.Choice(get_args(Values)),
    help="What the output holds; told from the last operation unless given.",
)
@click.option("--channel", type=int, help="Output channel of the vessels, from 0.  [default: 0]")
@click.option("--size", type=(SIDE, SIDE), help="ROWS COLUMNS, where the network leaves them open.")
@click.option("--output", help="Name of the output to read, where there are several.")
@click.option(
    "--percentiles",
    type=(float, float),
    default=(1.0, 99.0),
    show_default=True,
    help="Of a frame's values; they become LOW and HIGH.",
)
@click.option("--low", default=0.0, show_default=True)
@click.option("--high", default=1.0, show_default=True)
@click.option("--mean", type=numbers, help="M or M,M,M: subtracted from each channel of the input.")
@click.option("--std", type=numbers, help="S or S,S,S: what each channel is divided by then.")
@click.option("--threshold", default=0.5, show_default=True, help="Vessel probability.")
@click.option(
    "--as-it-is",
    "prepared",
    flag_value=False,
    default=True,
    help="Fix shapes alone: no constants computed, no norms folded, no other opset.",
)
def import_command(network: Path, task: str, out: Path, **description: object) -> None:
    """Make a model folder from NETWORK, your own ONNX file."""
    folder = import_network(network, out, Description(**description))  # type: ignore[arg-type]
    click.echo(
        f"{folder.path} is ready for the task {task}: {_how_it_is_read(folder.manifest.options)}"
    )
    click.echo(f"try it: angioedge run {shlex.quote(str(folder.path))} RUN.dcm")
    for remark in folder.manifest.origin["remarks"]:
        click.echo(f"note: {remark}", err=True)


def _how_it_is_read(options: Mapping[str, Any]) -> str:
    """How image and map are read, for a person."""
    image, answer = (" x ".join(map(str, options[f"{end}_shape"])) for end in ("input", "output"))
    lower, upper = options["percentiles"]
    read = f"{options['input_name']} {image} ({options['layout']})"
    window = (
        f"percentiles {lower:g} and {upper:g} become {options['low']:g} and {options['high']:g}"
    )
    given = f"{options['output_name']} {answer}, {options['values']}"
    vessels = f"vessels in channel {options['channel']} from {options['threshold']:g}"
    return f"{read}, {window}; {given}, {vessels}"


@export.command("angiogram_quality")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of the held-out scores, kept in the manifest.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("models/angiogram_quality"),
    show_default=True,
)
def quality_command(checkpoint: Path, report: Path | None, out: Path) -> None:
    """Make the model folder of angiogram quality from CHECKPOINT, a .safetensors file."""
    from export.quality_folder import make_folder

    folder = make_folder(checkpoint, report, out)
    click.echo(f"{folder.path} is ready: {folder.manifest.origin['parity_with_torch']}")


@export.command("artery_sequence")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of the held-out scores, kept in the manifest.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("models/artery_sequence"),
    show_default=True,
)
@click.option("--size", default=512, show_default=True, help="Side of the network's input.")
def artery_command(checkpoint: Path, report: Path | None, out: Path, size: int) -> None:
    """Make the model folder of artery sequences from CHECKPOINT, trained with --by stream."""
    from export.artery_folder import make_folder

    folder = make_folder(checkpoint, report, out, size=size)
    click.echo(f"{folder.path} is ready: {folder.manifest.origin['parity_with_torch']}")


@export.command("microbleed_detection")
@click.argument("detector", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("regions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of held-out scores, kept in the manifest; may be given for both networks.",
)
@click.option("--side", default=128, show_default=True, help="Side of the detector's tiles.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("models/microbleed_detection"),
    show_default=True,
)
def microbleed_command(
    detector: Path, regions: Path, reports: tuple[Path, ...], *, side: int, out: Path
) -> None:
    """Make the model folder of microbleed detection from two .safetensors files."""
    from export.microbleed_folder import Checkpoints, make_folder

    checkpoints = Checkpoints(detector=detector, regions=regions, reports=reports, side=side)
    folder = make_folder(checkpoints, out)
    click.echo(f"{folder.path} is ready: {folder.manifest.origin['parity_with_torch']}")


def main() -> None:
    """Runs the command line; what is refused is said in one sentence."""
    name = "angioedge" if sys.argv[1:2] == ["import"] else "angioedge export"
    with one_sentence():
        sys.exit(export(prog_name=name, standalone_mode=False))


if __name__ == "__main__":
    main()
