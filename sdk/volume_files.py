"""Volumes out of files: NIfTI images and DICOM series, magnitude with its phase."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError
from sdk.phase import to_radians, vendor_of
from sdk.volume import Volume

PLACE_TOLERANCE_MM = 0.05
"""Largest distance of a corner of the phase from that of the magnitude."""


def read_volume(
    image: str | Path, phase: str | Path | None = None, *, phase_sign: int | None = None
) -> Volume:
    """Reads an SWI or magnitude image and its phase, and turns both to axial order.

    A folder or a multi-frame DICOM file is read as one series, any other file as NIfTI. A series
    may hold its phase too, as Philips writes it. The vendor is told by the DICOM header, or by the
    JSON file that converters write beside a NIfTI image; it decides how stored phase becomes
    radians and whether its sign is flipped (see `sdk.phase`). The volume's notes say what was done.

    Args:
        image: the SWI or magnitude.
        phase: high-pass-filtered phase of the same acquisition; None if `image` holds it too, or
            there is none.
        phase_sign: 1 or -1 to multiply the phase with, whatever the header says.

    Raises:
        VolumeError: a file is no such image, the two do not lie on each other, or the phase follows
            no known convention.
        DicomError: the series is damaged or incomplete.
    """
    volume, manufacturer = _read(Path(image))
    stored = volume.phase
    if phase is not None:
        given, maker = _read(Path(phase))
        manufacturer = _one_of(manufacturer, maker)
        if not _same_place(given, volume):
            raise VolumeError(
                f"{phase} {given.shape} does not lie on {image} {volume.shape}; give magnitude and "
                "phase of one acquisition, or resample one to the other"
            )
        stored = given.voxels if given.phase is None else given.phase
    if stored is None:
        return volume
    radians, notes = to_radians(stored, manufacturer, sign=phase_sign)
    return replace(volume, phase=radians, notes=notes)


def _one_of(magnitude: str, phase: str) -> str:
    """The manufacturer of both, where one or both name it."""
    if magnitude and phase and vendor_of(magnitude) != vendor_of(phase):
        raise VolumeError(
            f"the magnitude is of {magnitude}, the phase of {phase}; give two images of one "
            "acquisition"
        )
    return phase or magnitude


def read_mask(path: str | Path, volume: Volume) -> NDArray[np.bool_]:
    """Reads a mask that lies on a volume, and turns it to the order that `read_volume` gives.

    Args:
        path: a NIfTI file, not zero inside.
        volume: in axial order.

    Raises:
        VolumeError: the file is no such image, or does not lie on the volume.
    """
    mask, _ = _read(Path(path))
    if not _same_place(mask, volume):
        raise VolumeError(
            f"{path} {mask.shape} does not lie on the volume {volume.shape}; give a mask of the "
            "same acquisition"
        )
    return np.asarray(mask.voxels != 0)


def _read(path: Path) -> tuple[Volume, str]:
    """An image in axial order, its phase as stored, and who made it."""
    from sdk.dicom.series import is_dicom, read_series
    from sdk.nifti import read_nifti

    if path.is_dir() or is_dicom(path):
        series = read_series(path)
        place, phase = series.to_patient, series.phase
        volume = Volume(voxels=series.voxels, to_patient=place, phase=phase)
        return volume.axial(), series.manufacturer
    voxels, to_patient = read_nifti(path)
    volume = Volume(voxels=voxels, to_patient=to_patient)
    return volume.axial(), _sidecar_manufacturer(path)


def _sidecar_manufacturer(path: Path) -> str:
    """Manufacturer in the JSON file of the Brain Imaging Data Structure beside an image."""
    sidecar = path.with_name(path.name.removesuffix(".gz")).with_suffix(".json")
    if not sidecar.is_file():
        return ""
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        raise VolumeError(f"{sidecar} is not JSON: {error}; correct or remove it") from error
    return str(content.get("Manufacturer", "")) if isinstance(content, dict) else ""


def _same_place(one: Volume, other: Volume) -> bool:
    """Whether two volumes share their grid, at its eight corners."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * np.subtract(other.shape, 1)
    apart = np.linalg.norm(one.to_patient_mm(corners) - other.to_patient_mm(corners), axis=1)
    return one.shape == other.shape and float(apart.max()) <= PLACE_TOLERANCE_MM
