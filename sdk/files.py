"""Files that are either whole or not there."""

import os
from contextlib import suppress
from pathlib import Path
from threading import get_native_id

PARTIAL = ".partial"


def partial_path(path: Path) -> Path:
    """Where a file is written before it takes its name; one per thread, the process comes last."""
    return path.with_name(f"{path.name}.{get_native_id()}.{os.getpid()}{PARTIAL}")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that appears under its name when all of it is on the disk.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    partial = partial_path(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
