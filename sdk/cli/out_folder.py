"""The folder that `run` writes into: nothing of an earlier run stays beside what is new."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

RUN = re.compile(r"\d{3,}-.+")
"""Name of a folder inside, of one run of several."""
OF_FRAMES = re.compile(r"outcomes\.json|overlay\.webm|(contact_sheet|timeline|arrival)\.png")
OF_VOLUMES = re.compile(
    r"microbleeds\.(json|csv)|(microbleeds(_\d+)?|overview)\.png|regions\.nii\.gz"
)


def make_empty(out: Path, results: re.Pattern[str], given: tuple[Path | None, ...] = ()) -> None:
    """Makes the folder, or removes the results of an earlier run from it; other files stay.

    Args:
        out: the folder.
        results: names of what is written there, `OF_FRAMES` or `OF_VOLUMES`.
        given: files that are read, which stay.

    Raises:
        click.ClickException: the folder cannot be written.
    """
    kept = {path.resolve() for path in given if path}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in (out, *_of_runs(out)):
            stale = [file for file in folder.iterdir() if results.fullmatch(file.name)]
            for file in stale:
                if file.resolve() not in kept:
                    file.unlink()
            if stale and folder != out and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise click.ClickException(
            f"{error.filename} cannot be written: {error.strerror}; give another folder with --out"
        ) from error


def _of_runs(out: Path) -> Iterator[Path]:
    return (path for path in sorted(out.iterdir()) if RUN.fullmatch(path.name) and path.is_dir())
