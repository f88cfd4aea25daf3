"""The folder that `run` writes into: nothing of an earlier call stays beside what is new."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import click

from sdk.files import write_whole

FRAMES, VOLUME, RUNS = "outcomes.json", "microbleeds.json", "runs.json"
"""Records of what a call wrote beside them; the last names the folders of several runs."""
FOLDER = re.compile(r"\d{3,}-[^/\\]*")
"""Names of the folders of several runs."""
BESIDE = {
    FRAMES: re.compile(
        r"overlay\.webm|(contact_sheet|timeline|arrival)\.png|(segmentation|structured_report)\.dcm"
    ),
    VOLUME: re.compile(
        r"microbleeds\.csv|(microbleeds(_\d+)?|overview)\.png|regions\.nii\.gz"
        r"|structured_report\.dcm"
    ),
}
"""Record -> names of the files that belong to it."""


def make_empty(out: Path, given: Collection[Path | None] = ()) -> None:
    """Makes the folder, or removes what an earlier call wrote into it, as its records tell.

    Files of the same names without a record beside them stay, and so does everything else.

    Args:
        out: the folder.
        given: files that are read, which stay.

    Raises:
        click.ClickException: the folder cannot be written.
    """
    kept = {path.resolve() for path in given if path}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in _folders_of_runs(out):
            _clear(folder, kept)
            if not any(folder.iterdir()):
                folder.rmdir()
        (out / RUNS).unlink(missing_ok=True)
        _clear(out, kept)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename} cannot be written: {error.strerror}; give another folder with --out"
        ) from error


def make_folders(out: Path, names: list[str]) -> list[Path]:
    """A folder for each of several runs, and the record of them; for a single one `out` itself.

    Raises:
        OSError: they cannot be written.
    """
    if len(names) == 1:
        return [out]
    folders = [f"{number:03d}-{name}" for number, name in enumerate(names, start=1)]
    write_whole(out / RUNS, (json.dumps({"folders": folders}, indent=1) + "\n").encode())
    for folder in folders:
        (out / folder).mkdir(exist_ok=True)
    return [out / folder for folder in folders]


def _clear(folder: Path, kept: Collection[Path]) -> None:
    for record, beside in BESIDE.items():
        if not (folder / record).is_file():
            continue
        stale = [file for file in folder.iterdir() if beside.fullmatch(file.name)]
        for file in (*stale, folder / record):
            if file.resolve() not in kept:
                file.unlink()


def _folders_of_runs(out: Path) -> Iterator[Path]:
    try:
        named = json.loads((out / RUNS).read_text(encoding="utf-8"))["folders"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    for name in named if isinstance(named, list) else ():
        if isinstance(name, str) and FOLDER.fullmatch(name) and (out / name).is_dir():
            yield out / name
