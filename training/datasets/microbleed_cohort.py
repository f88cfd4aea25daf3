"""SWI and phase of real subjects with a table of their microbleeds."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sdk.volume_files import read_volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sdk.volume import Volume

SUBJECTS, LESIONS = "subjects.csv", "lesions.csv"
SUBJECT_COLUMNS = ("subject", "swi", "phase")
LESION_COLUMNS = ("subject", "x_mm", "y_mm", "z_mm", "diameter_mm", "certain")
DIAMETERS_MM = (0.5, 30.0)
"""A microbleed is 2 to 10 mm; beyond these limits a table has another unit."""


@dataclass(frozen=True, kw_only=True)
class CohortSubject:
    """One subject; images are read when they are asked for."""

    name: str
    """As in both tables."""
    swi: Path
    """NIfTI image, or folder of a DICOM series."""
    phase: Path
    """Of the same acquisition."""
    lesions_mm: NDArray[np.float64]
    """(n, 4) x, y, z in DICOM patient coordinates, and diameter."""
    known: bool = True
    """False where there is no table of bleeds."""
    certain: NDArray[np.bool_]
    """(n,) False for possible bleeds, which are neither to be found nor to be denied."""

    def read(self) -> tuple[Volume, NDArray[np.float64]]:
        """The volume in axial order, and (n, 4) lesions: slice, row, column, diameter in mm.

        Raises:
            VolumeError, DicomError: an image cannot be read.
            ValueError: a lesion lies outside the volume.
        """
        volume = read_volume(self.swi, self.phase)
        voxels = volume.to_voxel(self.lesions_mm[:, :3])
        outside = ((voxels < -0.5) | (voxels > np.array(volume.shape) - 0.5)).any(axis=1)
        if outside.any():
            first = self.lesions_mm[int(np.argmax(outside)), :3].tolist()
            message = (
                f"expected the lesions of {self.name} inside {self.swi}, got one at {first} mm; "
                "give DICOM patient coordinates (x to the left, y to the back, z to the head)"
            )
            raise ValueError(message)
        return volume, np.hstack([voxels, self.lesions_mm[:, 3:]])


def read_cohort(folder: Path, *, known: bool = True) -> list[CohortSubject]:
    """Reads the tables of a folder: subjects.csv (subject, swi, phase) and lesions.csv.

    Paths are relative to the folder. A row of lesions.csv is one bleed: subject, x_mm, y_mm, z_mm,
    diameter_mm, certain (1 or 0). A subject without rows has no bleeds. Where they are not `known`,
    the second table is not read.

    Raises:
        ValueError: a table or image is missing, a column, a number, or a subject twice; the message
            names the line.
    """
    subjects = _rows(folder / SUBJECTS, SUBJECT_COLUMNS)
    names = [row["subject"] for _, row in subjects]
    for line, row in subjects:
        if names.count(row["subject"]) > 1:
            _refuse(folder / SUBJECTS, line, f"subject {row['subject']!r} is there twice")
        for column in ("swi", "phase"):
            if not row[column] or not (folder / row[column]).exists():
                _refuse(folder / SUBJECTS, line, f"there is no {column} {row[column]!r}")
    lesions: dict[str, list[list[float]]] = {name: [] for name in names}
    for line, row in _rows(folder / LESIONS, LESION_COLUMNS) if known else ():
        if row["subject"] not in lesions:
            _refuse(folder / LESIONS, line, f"{row['subject']!r} is not in {SUBJECTS}")
        lesions[row["subject"]].append(_lesion(folder / LESIONS, line, row))
    found = [_subject(folder, row, lesions[row["subject"]]) for _, row in subjects]
    return [replace(subject, known=known) for subject in found]


def _subject(folder: Path, row: dict[str, str], lesions: list[list[float]]) -> CohortSubject:
    table = np.array(lesions, np.float64).reshape(-1, 5)
    return CohortSubject(
        name=row["subject"],
        swi=folder / row["swi"],
        phase=folder / row["phase"],
        lesions_mm=table[:, :4],
        certain=table[:, 4] == 1,
    )


def _lesion(path: Path, line: int, row: dict[str, str]) -> list[float]:
    numbers = []
    for column in LESION_COLUMNS[1:]:
        try:
            number = float(row[column])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            _refuse(path, line, f"{column} must be a number, got {row[column]!r}")
        numbers.append(number)
    low, high = DIAMETERS_MM
    if not low <= numbers[3] <= high:
        _refuse(path, line, f"diameter_mm must be {low:g} to {high:g}, got {numbers[3]:g}")
    if numbers[4] not in {0.0, 1.0}:
        _refuse(path, line, f"certain must be 1 or 0, got {row['certain']!r}")
    return numbers


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        message = f"expected a table {path} with the columns {', '.join(columns)}, there is none"
        raise ValueError(message)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            _refuse(path, 1, f"the columns {', '.join(missing)} are missing")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                _refuse(path, reader.line_num, "it has more or fewer fields than the first line")
            rows.append((reader.line_num, {name: row[name].strip() for name in columns}))
    return rows


def _refuse(path: Path, line: int, problem: str) -> None:
    message = f"{path}, line {line}: {problem}; correct the table"
    raise ValueError(message)
