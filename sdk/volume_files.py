"""Volumes out of files: NIfTI images and DICOM series, magnitude with its phase."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError
from sdk.phase import to_radians
from sdk.volume import Volume

PLACE_TOLERANCE_MM = 0.05
"""Largest distance of a corner of the phase from that of the magnitude."""


def read_volume(
    image: str | Path, phase: str | Path | None = None, *, phase_sign: int | None = None
) -> Volume:
    """Reads an SWI or magnitude image and its phase, and turns both to axial order.

    A folder is read as one DICOM series, a file as NIfTI. The vendor is told by the DICOM header,
    or by the JSON file that converters write beside a NIfTI image; it decides how stored phase
    becomes radians and whether its sign is flipped (see `sdk.phase`). What was done is in the
    volume's notes.

    Args:
        image: the SWI or magnitude.
        phase: high-pass-filtered phase of the same acquisition.
        phase_sign: 1 or -1 to multiply the phase with, whatever the header says.

    Raises:
        VolumeError: a file is no such image, the two do not lie on each other, or the phase follows
            no known convention.
        DicomError: the series is damaged or incomplete.
    """
    voxels, to_patient, _ = _read(Path(image))
    if phase is None:
        return Volume(voxels=voxels, to_patient=to_patient).axial()
    stored, place, manufacturer = _read(Path(phase))
    if stored.shape != voxels.shape or _apart_mm(to_patient, place, voxels.shape) > (
        PLACE_TOLERANCE_MM
    ):
        raise VolumeError(
            f"{phase} {stored.shape} does not lie on {image} {voxels.shape}; give magnitude and "
            "phase of one acquisition, or resample one to the other"
        )
    radians, notes = to_radians(stored, manufacturer, sign=phase_sign)
    return Volume(voxels=voxels, to_patient=to_patient, phase=radians, notes=notes).axial()


def read_mask(path: str | Path, volume: Volume) -> NDArray[np.bool_]:
    """Reads a mask that lies on a volume, and turns it to the order that `read_volume` gives.

    Args:
        path: a NIfTI file, not zero inside.
        volume: in axial order.

    Raises:
        VolumeError: the file is no such image, or does not lie on the volume.
    """
    voxels, to_patient, _ = _read(Path(path))
    mask = Volume(voxels=voxels, to_patient=to_patient).axial()
    far = (
        mask.shape != volume.shape
        or _apart_mm(mask.to_patient, volume.to_patient, volume.shape) > PLACE_TOLERANCE_MM
    )
    if far:
        raise VolumeError(
            f"{path} {mask.shape} does not lie on the volume {volume.shape}; give a mask of the "
            "same acquisition"
        )
    return np.asarray(mask.voxels != 0)


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64], str]:
    if path.is_dir():
        from sdk.dicom.series import read_series

        series = read_series(path)
        return series.voxels, series.to_patient, series.manufacturer
    from sdk.dicom.series import is_dicom
    from sdk.nifti import read_nifti

    if is_dicom(path):
        raise VolumeError(f"{path} is one DICOM file; give the folder of its series")
    return *read_nifti(path), _sidecar_manufacturer(path)


def _sidecar_manufacturer(path: Path) -> str:
    """Manufacturer in the JSON file of the Brain Imaging Data Structure beside an image."""
    sidecar = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    if not sidecar.is_file():
        return ""
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        raise VolumeError(f"{sidecar} is not JSON: {error}; correct or remove it") from error
    return str(content.get("Manufacturer", "")) if isinstance(content, dict) else ""


def _apart_mm(
    one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]
) -> float:
    """Largest distance of two grids at their eight corners."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [
        *np.subtract(shape, 1),
        1,
    ]
    return float(np.linalg.norm(((one - other) @ corners.T)[:3], axis=0).max())
