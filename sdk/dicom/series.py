"""One DICOM MR series, slice by slice in a folder or frame by frame in a file, to a volume."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from sdk.dicom import INDEX
from sdk.dicom.header import Header, describe, foreign_errors, read_header
from sdk.errors import DicomError

SAME = (
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "EchoNumbers",
    "EffectiveEchoTime",
    "ImageType",
    "FrameType",
)
"""What all slices of a series say alike, or none of them says."""
TOGETHER = (
    "PatientID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Manufacturer",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
)
"""What images and the phase beside them say alike; the scanner may have made a series of each."""
ALIKE = ("ImageOrientationPatient", "PixelSpacing")
ALIKE_TOLERANCE = 1e-3
AXES_TOLERANCE = 0.01
"""What files with few digits leave of a right angle, or of the length of a unit vector."""
SPACING_TOLERANCE = 0.02
"""Largest difference of two steps from slice to slice, as a part of the step."""
SAME_PLACE_MM = 1e-3
PHASE = {"P", "PHASE", "PHASE MAP"}
"""Words for phase in ComplexImageComponent (0008,9208), FrameType and ImageType (0008,0008)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Series:
    """The voxels of a series.

    Attributes:
        voxels: (slices, rows, columns) after rescale slope and intercept.
        to_patient: (4, 4) from (slice, row, column, 1) to (x, y, z, 1) in mm.
        manufacturer: Manufacturer (0008,0070).
        phase: of the shape of the voxels, likewise rescaled, where the series brings it along.
    """

    voxels: NDArray[np.float32]
    to_patient: NDArray[np.float64]
    manufacturer: str
    phase: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """One frame of a file, described by its functional groups or by the header."""

    header: Header
    frame: int = 0

    def __str__(self) -> str:
        frame = f" frame {self.frame}" if self.header.integer("NumberOfFrames", 1) > 1 else ""
        return self.header.path.name + frame

    def at(self, keyword: str) -> Header:
        """Where an attribute of this slice stands."""
        return self.header.of_frame(keyword, self.frame)

    @property
    def is_phase(self) -> bool:
        """Whether it says that it shows phase."""
        keywords = ("ComplexImageComponent", "FrameType", "ImageType")
        said = (word for keyword in keywords for word in self.at(keyword).texts(keyword))
        return any(word.upper().replace("_", " ") in PHASE for word in said)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...]:
        """As many numbers as an attribute must have."""
        place = self.at(keyword)
        numbers = place.numbers(keyword)
        if len(numbers) != count:
            problem = f"must be {count} numbers, got {place.shown(keyword)}"
            place.refuse(keyword, problem, "give a series of slices with their place")
        return numbers

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors along columns, along rows, and across slices."""
        keyword = "ImageOrientationPatient"
        along = np.array(self.numbers(keyword, 6)).reshape(2, 3)
        if np.abs(along @ along.T - np.eye(2)).max() > AXES_TOLERANCE:
            place = self.at(keyword)
            problem = f"must be two perpendicular vectors of length 1, got {place.shown(keyword)}"
            place.refuse(keyword, problem, "correct the file")
        return np.stack([*along, np.cross(along[0], along[1])])

    @property
    def position(self) -> tuple[float, ...]:
        """(x, y, z) of the first voxel's centre in mm."""
        return self.numbers("ImagePositionPatient", 3)


def read_series(path: Path) -> Series:
    """Reads a folder of DICOM files, or one multi-frame file, as one series in its order in space.

    Where images and their phase come together, as Philips writes them, they are told apart by what
    they say about themselves; phase alone is read as any other image.

    Raises:
        DicomError: there is none, more than one series or echo, a missing slice, or a file that is
            damaged or lies elsewhere than the others.
    """
    slices = read_slices(path)
    phase = [one for one in slices if one.is_phase]
    images = [one for one in slices if not one.is_phase]
    ordered = [_in_order(part, path) for part in (images, phase) if part]
    _check_one_acquisition(ordered, path)
    stored = {header.path: _stored(header) for header in {one.header for one in slices}}
    voxels, *others = (
        np.stack([_rescaled(one, stored[one.header.path][one.frame]) for one in part])
        for part, _ in ordered
    )
    return Series(
        voxels=voxels,
        to_patient=ordered[0][1],
        manufacturer=slices[0].header.text("Manufacturer"),
        phase=others[0] if others else None,
    )


def _in_order(slices: list[Slice], path: Path) -> tuple[list[Slice], NDArray[np.float64]]:
    """Slices of one kind in their order in space, and where their voxels lie in the patient."""
    _check_one_series(slices, path)
    axes = slices[0].axes
    positions = np.array([one.position for one in slices])
    order = np.argsort(positions @ axes[2], kind="stable")
    slices = [slices[index] for index in order]
    row_mm, column_mm = _pixel_spacing(slices[0])
    to_patient = np.eye(4)
    to_patient[:3, 0] = _slice_step(slices, positions[order], path)
    to_patient[:3, 1] = axes[1] * row_mm
    to_patient[:3, 2] = axes[0] * column_mm
    to_patient[:3, 3] = positions[order[0]]
    return slices, to_patient


def read_slices(path: Path) -> list[Slice]:
    """The headers of a folder of DICOM files, or of one file: every frame, in no order.

    Raises:
        DicomError: there is none, or a file is damaged.
    """
    headers = [read_header(file) for file in ([path] if path.is_file() else _files(path))]
    return [one for header in headers for one in _slices(header)]


def _files(folder: Path) -> list[Path]:
    """The DICOM files of a folder, without the index of an export."""
    inside = [file for file in sorted(folder.iterdir()) if file.name.upper() != INDEX]
    for file in inside:
        if file.is_file() and not file.stat().st_size:
            raise DicomError(f"{file} is empty; copy it again, or remove it if it is no slice")
    found = [file for file in inside if is_dicom(file)]
    if not found:
        raise DicomError(
            f"{folder} holds no DICOM files; give the folder in which the files of one series lie"
        )
    return found


def is_dicom(path: Path) -> bool:
    """Whether a path is a file that begins as DICOM files do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _slices(header: Header) -> list[Slice]:
    frames = header.integer("NumberOfFrames", 1)
    described = max(1, len(header.items("PerFrameFunctionalGroupsSequence")))
    if frames != described:
        problem = f"is {frames}, but the place of {described} is described"
        header.refuse("NumberOfFrames", problem, "export it as enhanced MR, or one file per slice")
    return [Slice(header, frame) for frame in range(frames)]


def _check_one_series(slices: list[Slice], path: Path) -> None:
    if len(slices) < 2:
        raise DicomError(f"{path} holds one slice, expected a volume; give the folder of a series")
    first = slices[0]
    for keyword in SAME:
        for other in slices:
            _check_same(first, other, keyword, path)
    for keyword in ALIKE:
        numbers = np.array(first.at(keyword).numbers(keyword))
        for other in slices:
            others = np.array(other.at(keyword).numbers(keyword))
            if others.shape != numbers.shape or np.any(abs(others - numbers) > ALIKE_TOLERANCE):
                raise DicomError(
                    f"{path}: {describe(keyword)} changes: {_said(first, keyword)}, "
                    f"{_said(other, keyword)}; give parallel slices of one size"
                )


def _check_one_acquisition(
    parts: list[tuple[list[Slice], NDArray[np.float64]]], path: Path
) -> None:
    """Refuses phase of another acquisition than the other images, or beside them."""
    (first, place), *others = parts
    for slices, to_patient in others:
        for keyword in TOGETHER:
            _check_same(first[0], slices[0], keyword, path)
        if len(slices) != len(first) or np.abs(to_patient - place).max() > SAME_PLACE_MM:
            raise DicomError(
                f"{path} holds {len(first)} images and {len(slices)} of phase, which do not lie on "
                "each other; give magnitude or SWI and phase of one acquisition"
            )


def _check_same(first: Slice, other: Slice, keyword: str, path: Path) -> None:
    if other.at(keyword).texts(keyword) != first.at(keyword).texts(keyword):
        raise DicomError(
            f"{path} mixes images of different {keyword}: {_said(first, keyword)}, "
            f"{_said(other, keyword)}; give one series, or magnitude or SWI with its phase"
        )


def _said(one: Slice, keyword: str) -> str:
    place = one.at(keyword)
    return f"{one} has {place.shown(keyword) if place.texts(keyword) else 'none'}"


def _pixel_spacing(one: Slice) -> tuple[float, float]:
    row_mm, column_mm = one.numbers("PixelSpacing", 2)
    if min(row_mm, column_mm) <= 0:
        one.at("PixelSpacing").refuse("PixelSpacing", "must be positive", "correct the file")
    return row_mm, column_mm


def _slice_step(
    slices: list[Slice], positions: NDArray[np.float64], path: Path
) -> NDArray[np.float64]:
    """The vector from one slice to the next."""
    steps = np.diff(positions, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    least = int(np.argmin(lengths))
    if lengths[least] < SAME_PLACE_MM:
        raise DicomError(
            f"{path}: {slices[least]} and {slices[least + 1]} lie in the same place; give every "
            "slice once: one echo, one time, magnitude or SWI apart from phase"
        )
    usual = np.median(steps, axis=0)
    usual_mm = float(np.linalg.norm(usual))
    apart = np.linalg.norm(steps - usual, axis=1)
    worst = int(np.argmax(apart))
    if apart[worst] > SPACING_TOLERANCE * usual_mm:
        raise DicomError(
            f"{path}: {slices[worst]} and {slices[worst + 1]} are {lengths[worst]:.3f} mm apart, "
            f"the others {usual_mm:.3f}; a slice between them is missing or displaced"
        )
    return np.asarray((positions[-1] - positions[0]) / (len(positions) - 1), np.float64)


def _stored(header: Header) -> NDArray[Any]:
    """(frames, rows, columns) of a file."""
    keyword = "PhotometricInterpretation"
    if header.text(keyword) != "MONOCHROME2":
        problem = f"must be MONOCHROME2, got {header.shown(keyword)}"
        header.refuse(keyword, problem, "export grey images whose larger values are brighter")
    with foreign_errors(str(header.path), "give a readable MR image"):
        pixels: NDArray[Any] = pydicom.dcmread(header.path).pixel_array
    return pixels if pixels.ndim == 3 else pixels[None]


def _rescaled(one: Slice, pixels: NDArray[Any]) -> NDArray[np.float32]:
    place = one.at("RescaleSlope")
    slope, intercept = place.number("RescaleSlope"), place.number("RescaleIntercept")
    slope = 1.0 if slope is None else slope
    return pixels.astype(np.float32) * np.float32(slope) + np.float32(intercept or 0.0)
