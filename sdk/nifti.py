"""NIfTI files, read with nibabel, which is imported when a file is opened."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError
from sdk.files import write_whole

Read = TypeVar("Read")

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI counts x to the right and y to the front, DICOM the other way round."""
SCANNER = 1
"""The code of a place in the scanner's coordinates, not those of another image or an atlas."""
PACKED = 1
"""Level of gzip: more takes far longer and saves little."""
MILLIMETRES = {1: 1e3, 2: 1.0, 3: 1e-3}
"""Code of a unit of length (metres, millimetres, micrometres) -> its size."""


def read_nifti(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Voxels (slices, rows, columns), scaled as the header says, and their place in the patient.

    The sform says where; the qform, if it alone is in scanner coordinates, or if it is alone.

    Returns:
        The voxels, and the (4, 4) matrix to DICOM patient coordinates, see `sdk.Volume`.

    Raises:
        VolumeError: nibabel is missing, or the file is damaged or no 3-D NIfTI image of real
            numbers with an orientation.
    """
    voxels, affine = _load(path, lambda image: (_real(image), _affine_mm(image.header)))
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3:
        raise VolumeError(f"{path} holds an image of shape {voxels.shape}, expected one 3-D volume")
    if affine is None:
        raise VolumeError(
            f"{path} does not say how it lies in the patient (sform_code and qform_code are 0); "
            "convert it again with its orientation"
        )
    # nibabel's axes are (column, row, slice)
    return np.ascontiguousarray(voxels.T), RAS_TO_LPS @ affine @ np.eye(4)[[2, 1, 0, 3]]


def _affine_mm(header: Any) -> NDArray[np.float64] | None:
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if not sform and not qform:
        return None
    rotated = not sform or (qform == SCANNER != sform)
    affine = np.array(header.get_qform() if rotated else header.get_sform(), np.float64)
    affine[:3] *= MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    return affine


def read_nifti_frames(path: Path) -> NDArray[Any]:
    """A series of 2-D images (frames, rows, columns) of uint8 or uint16, as they are stored.

    Nothing is scaled, turned or rounded: what a header would scale, or signed values below 0,
    are no pixels of a detector.

    Raises:
        VolumeError: nibabel is missing, or the file is damaged or holds anything else.
    """
    data, stored = _load(path, lambda image: (image.dataobj, image.dataobj.get_unscaled()))
    if stored.ndim > 3 and sum(size > 1 for size in stored.shape[2:]) < 2:
        stored = stored.reshape(*stored.shape[:2], -1)  # frames may lie on the fourth axis, time
    scaled = (data.slope, data.inter) != (1.0, 0.0)
    whole = stored.dtype.kind in "ui" and _fits(stored, np.iinfo(np.uint16))
    if stored.ndim not in {2, 3} or scaled or not whole:
        raise VolumeError(
            f"{path} holds {stored.dtype} of shape {stored.shape}{', scaled' if scaled else ''}; "
            "expected (columns, rows, frames) of unscaled integers from 0 to 65535"
        )
    kind = np.uint8 if stored.dtype.itemsize == 1 else np.uint16
    frames = stored[..., None] if stored.ndim == 2 else stored
    return np.ascontiguousarray(frames.T.astype(kind))


def _fits(stored: NDArray[Any], limits: np.iinfo[Any]) -> bool:
    return bool(stored.min(initial=0) >= limits.min and stored.max(initial=0) <= limits.max)


def _real(image: Any) -> NDArray[np.float32]:
    stored = image.get_data_dtype()
    if stored.kind not in "uif":
        what = {"c": "complex numbers", "V": "colours"}.get(stored.kind, str(stored))
        raise VolumeError(f"its voxels are {what}, expected real numbers; convert it again")
    return np.asarray(image.dataobj, np.float32)


def _load(path: Path, read: Callable[[Any], Read]) -> Read:
    """What is read of an image; whatever the bytes make nibabel raise is one error."""
    nibabel = _nibabel()
    try:
        image = nibabel.load(path)
        if isinstance(image, nibabel.Nifti1Pair):  # in one file or two, of either version
            return read(image)
    except FileNotFoundError as error:
        raise VolumeError(f"there is no file {path}") from error
    except Exception as error:  # unpackers of damaged bytes raise anything
        reason = " ".join(str(error).split())
        raise VolumeError(f"{path} is not a NIfTI image that can be read: {reason}") from error
    raise VolumeError(f"{path} is {type(image).__name__}, expected NIfTI")


def write_nifti(path: Path, voxels: NDArray[Any], to_patient: NDArray[np.float64]) -> None:
    """Writes a volume as it is stored, (slices, rows, columns), with its place in the patient.

    Args:
        path: ends in .nii or .nii.gz.
        voxels: of a dtype that NIfTI has, such as float32, int16 or uint8.
        to_patient: (4, 4), see `sdk.Volume`.

    Raises:
        VolumeError: nibabel is missing, or cannot write such a file.
    """
    nibabel = _nibabel()
    packed = path.name.endswith(".gz")
    if not path.name.removesuffix(".gz").endswith(".nii"):
        raise VolumeError(f"{path} cannot be written: expected a name in .nii or .nii.gz")
    affine = RAS_TO_LPS @ to_patient @ np.eye(4)[[2, 1, 0, 3]]
    try:
        image = nibabel.Nifti1Image(voxels.T, affine)
        image.set_sform(affine, SCANNER)
        image.header.set_xyzt_units("mm")
        content = image.to_bytes()
        write_whole(path, gzip.compress(content, PACKED, mtime=0) if packed else content)
    except (nibabel.filebasedimages.ImageFileError, OSError, ValueError) as error:
        raise VolumeError(f"{path} cannot be written: {error}") from error


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise VolumeError("NIfTI files need nibabel: pip install 'angioedge[volumes]'") from error
    return nibabel
