"""One classic DICOM MR series, slice by slice in a folder, to a volume."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from sdk.dicom.header import Header, foreign_errors, read_header
from sdk.errors import DicomError

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
SPACING_TOLERANCE = 0.02
"""Largest difference of two slice distances, as a part of the distance."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Series:
    """The voxels of a series.

    Attributes:
        voxels: (slices, rows, columns) after rescale slope and intercept.
        to_patient: (4, 4) from (slice, row, column, 1) to (x, y, z, 1) in mm.
        manufacturer: Manufacturer (0008,0070).
    """

    voxels: NDArray[np.float32]
    to_patient: NDArray[np.float64]
    manufacturer: str


def read_series(folder: Path) -> Series:
    """Reads every DICOM file of a folder as one series, slices in their order in space.

    Raises:
        DicomError: there is none, more than one series or echo, a missing slice, or a file that is
            damaged or lies elsewhere than the others.
    """
    headers = [read_header(path) for path in sorted(folder.iterdir()) if is_dicom(path)]
    if not headers:
        raise DicomError(f"{folder} holds no DICOM files; give the folder of one series")
    _check_one_series(headers, folder)
    axes = _axes(headers[0])
    positions = np.array([_position(header) for header in headers])
    along = positions @ axes[2]
    order = np.argsort(along, kind="stable")
    step = _slice_step(positions[order], folder)
    row_mm, column_mm = _pair(headers[0], "PixelSpacing")
    to_patient = np.eye(4)
    to_patient[:3, 0] = step
    to_patient[:3, 1] = axes[1] * row_mm
    to_patient[:3, 2] = axes[0] * column_mm
    to_patient[:3, 3] = positions[order[0]]
    voxels = np.stack([_pixels(headers[index]) for index in order])
    return Series(
        voxels=voxels, to_patient=to_patient, manufacturer=headers[0].text("Manufacturer")
    )


def is_dicom(path: Path) -> bool:
    """Whether a path is a file that begins as DICOM files do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _check_one_series(headers: list[Header], folder: Path) -> None:
    for header in headers:
        if header.text("SOPClassUID") == ENHANCED_MR:
            header.refuse("SOPClassUID", "is Enhanced MR", "export it as classic MR, one per slice")
    same = ("SeriesInstanceUID", "Rows", "Columns", "EchoNumbers", "ImageType")
    for keyword in same:
        values = {header.texts(keyword) for header in headers}
        if len(values) > 1:
            shown = ", ".join(sorted("\\".join(value) for value in values)[:3])
            raise DicomError(
                f"{folder} mixes images of different {keyword} ({shown}); give a folder with one "
                "series, magnitude or SWI apart from phase"
            )
    first = headers[0].numbers("ImageOrientationPatient")
    for header in headers:
        numbers = header.numbers("ImageOrientationPatient")
        if len(numbers) != 6 or not np.allclose(numbers, first, atol=1e-3):
            header.refuse(
                "ImageOrientationPatient", "is missing or changes", "give parallel slices"
            )


def _axes(header: Header) -> NDArray[np.float64]:
    """Unit vectors along columns, along rows, and across slices."""
    numbers = np.array(header.numbers("ImageOrientationPatient"))
    along_columns, along_rows = numbers[:3], numbers[3:]
    return np.stack([along_columns, along_rows, np.cross(along_columns, along_rows)])


def _position(header: Header) -> tuple[float, ...]:
    position = header.numbers("ImagePositionPatient")
    if len(position) != 3:
        header.refuse("ImagePositionPatient", "must be three numbers", "give a series of slices")
    return position


def _slice_step(positions: NDArray[np.float64], folder: Path) -> NDArray[np.float64]:
    """The vector from one slice to the next."""
    if len(positions) < 2:
        raise DicomError(f"{folder} holds one slice, expected a volume")
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    usual = float(np.median(steps))
    if usual <= 0 or np.abs(steps - usual).max() > SPACING_TOLERANCE * usual:
        worst = int(np.argmax(np.abs(steps - usual)))
        raise DicomError(
            f"{folder}: slices {worst} and {worst + 1} are {steps[worst]:.3f} mm apart, the others "
            f"{usual:.3f}; a slice is missing or there twice"
        )
    return np.asarray((positions[-1] - positions[0]) / (len(positions) - 1), np.float64)


def _pair(header: Header, keyword: str) -> tuple[float, float]:
    numbers = header.numbers(keyword)
    if len(numbers) != 2 or min(numbers) <= 0:
        header.refuse(keyword, "must be two positive lengths", "the volume cannot be measured")
    return numbers[0], numbers[1]


def _pixels(header: Header) -> NDArray[np.float32]:
    with foreign_errors(str(header.path), "give a readable MR image"):
        pixels: NDArray[Any] = pydicom.dcmread(header.path).pixel_array
    if pixels.ndim != 2:
        raise DicomError(f"{header.path} holds {pixels.shape}, expected one grey slice")
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    slope = 1.0 if slope is None else slope
    return pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept or 0.0)
