"""Arrays that take long to make, kept in a folder."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Pool = TypeVar("Pool", bound=Any)

COMPLETE = "complete"
"""Name of the file that says that a kept pool was written to its end."""
PHANTOMS = Path(__file__).parents[1] / "phantoms"
"""What draws the phantoms."""


def place(folder: Path, kind: str, *numbers: object) -> Path:
    """Where phantoms are kept; others for every version of their physics, not of what cuts them."""
    return folder / "-".join((kind, *map(str, numbers), _version()))


@cache
def _version() -> str:
    sources = [path.read_bytes() for path in sorted(PHANTOMS.glob("*.py"))]
    return sha256(b"".join(sources)).hexdigest()[:8]


def kept(folder: Path, kind: type[Pool], make: Callable[[], Pool]) -> Pool:
    """A dataclass of arrays, made once and then mapped from the folder."""
    names = [entry.name for entry in fields(kind)]
    if not (folder / COMPLETE).is_file():
        pool = make()
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            np.save(folder / f"{name}.npy", getattr(pool, name))
        (folder / COMPLETE).touch()
        del pool  # mapped, it takes no memory
    mapped: Pool = kind(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names})
    return mapped
