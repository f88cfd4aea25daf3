"""The files of engines: written whole, by their owner alone, cleared where a build was stopped."""

import os
import stat
from pathlib import Path

from sdk.errors import EngineError
from sdk.files import PARTIAL, partial_path, write_whole


def write_engine_file(path: Path, content: bytes) -> None:
    """As `sdk.files.write_whole`.

    Raises:
        EngineError: it cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror}") from error


def make_writable_folder(folder: Path) -> None:
    """Makes a folder for its owner alone and tries to write into it.

    Raises:
        EngineError: it cannot be made, or nothing can be written there.
    """
    probe = partial_path(folder / "probe")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EngineError(
            f"engines cannot be kept in {folder}: {error.strerror}; "
            "give a folder that can be written: --cache FOLDER"
        ) from error


def refuse_open_to_all(path: Path) -> None:
    """An engine is code: it must not lie where anybody could have put it.

    Raises:
        EngineError: the file or its folder can be written by everybody.
    """
    for place in (path, path.parent):
        if place.stat().st_mode & stat.S_IWOTH:
            raise EngineError(
                f"{place} can be written by everybody, and an engine is code that runs; "
                "take that right away (chmod o-w) and build again: angioedge build"
            )


def remove_partial(folder: Path) -> None:
    """Removes what interrupted builds of processes that are gone have left."""
    for file in folder.glob(f"*{PARTIAL}"):
        process = file.name.removesuffix(PARTIAL).rpartition(".")[2]
        if process.isdigit() and not _runs(int(process)):
            file.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
