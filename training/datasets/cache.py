"""Arrays that take long to make, kept in a folder."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Pool = TypeVar("Pool", bound=Any)

COMPLETE = "complete"
"""Name of the file that says that a kept pool was written to its end."""


def kept(folder: Path, kind: type[Pool], make: Callable[[], Pool]) -> Pool:
    """A dataclass of arrays, made once and then mapped from the folder."""
    names = [entry.name for entry in fields(kind)]
    if (folder / COMPLETE).is_file():
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
        loaded: Pool = kind(**arrays)
        return loaded
    pool = make()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        np.save(folder / f"{name}.npy", getattr(pool, name))
    (folder / COMPLETE).touch()
    return pool
