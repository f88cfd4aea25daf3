"""Whole phantom subjects with their microbleeds, made once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.volume import Volume
from training.datasets.cache import place
from training.phantoms.brain import SPACING_MM, BrainImage, BrainOptions, BrainPhantom, head_grid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BLEEDS = BrainOptions(microbleeds=(1, 12))
"""Every subject has at least one."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A volume as a scanner gives it, and what is true."""

    volume: Volume
    """SWI, phase and the true brain mask."""
    lesions_mm: NDArray[np.float64]
    """(n, 3) centres (slice, row, column) in mm from the first voxel's centre."""
    diameters_mm: NDArray[np.float64]
    """(n,) of what is seen of the bleeds."""
    regions: NDArray[np.uint8]
    """(slices, rows, columns) true regions."""


def subject(folder: Path, seed: int) -> Subject:
    """The whole head of a seed, 72 slices of 448 x 352 voxels, kept in a folder."""
    path = place(folder, "subject", seed).with_suffix(".npz")
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        image = BrainPhantom.drawn(seed, BLEEDS).image(head_grid())
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **_arrays(image))
        unfinished.replace(path)
    with np.load(path) as stored:
        return _subject(dict(stored))


def _arrays(image: BrainImage) -> dict[str, NDArray[Any]]:
    return {
        "swi": image.swi.astype(np.float16),
        "phase": image.phase.astype(np.float16),
        "brain": image.brain,
        "regions": image.regions,
        "bleeds": image.microbleeds,
    }


def _subject(arrays: dict[str, NDArray[Any]]) -> Subject:
    swi, phase = (arrays[name].astype(np.float32) for name in ("swi", "phase"))
    volume = Volume.of_spacing(swi, SPACING_MM, phase=phase, brain=arrays["brain"])
    return Subject(
        volume=volume,
        lesions_mm=arrays["bleeds"][:, :3] * np.array(SPACING_MM),
        diameters_mm=arrays["bleeds"][:, 3],
        regions=arrays["regions"],
    )
