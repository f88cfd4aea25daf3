"""The images that a report is about, and how it refers to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdk.dicom.derived import check_identity
from sdk.dicom.header import Header, read_header
from sdk.dicom.series import is_dicom, read_slices
from sdk.errors import DicomError
from sdk.volume import Volume

OFF_GRID = 0.25
"""Voxels by which a slice may lie off its place: distances of slices vary a little in files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image, or frames of it."""

    sop_class: str
    """SOPClassUID (0008,0016)."""
    sop_instance: str
    """SOPInstanceUID (0008,0018)."""
    frames: tuple[int, ...] = ()
    """Numbers of the frames, from 1; empty: the whole image."""


class SourceRun:
    """The file of a run."""

    def __init__(self, path: Path) -> None:
        """Reads its header.

        Raises:
            DicomError: the file is damaged, or does not say which study and object it is.
        """
        self.header = read_header(path)
        check_identity(self.header)
        self._frames = self.header.integer("NumberOfFrames", 1)

    def refer(self, indices: Iterable[int]) -> ImageReference:
        """Refers to frames, counted from 0; to a file of one frame as a whole."""
        numbers = tuple(index + 1 for index in indices) if self._frames > 1 else ()
        return _reference(self.header, numbers)


class SourceSeries:
    """The slices of a volume, in files of their own or as frames of one.

    Where phase lies between the images, it belongs to the series, but places are those of images.

    Attributes:
        headers: of all files.
        frame_of_reference: in which all of them lie.
    """

    def __init__(self, path: Path) -> None:
        """Reads the headers.

        Raises:
            DicomError: there is no DICOM file, one is damaged, or they do not say which study,
                series and object they are, or in which frame of reference they lie.
        """
        if not path.is_dir() and not is_dicom(path):
            raise DicomError(
                f"{path} is no DICOM image, so that a report has no patient and no study; give a "
                "DICOM series"
            )
        slices = read_slices(path)
        self._slices = [one for one in slices if not one.is_phase] or slices
        self.headers = tuple(dict.fromkeys(one.header for one in slices))
        for header in self.headers:
            check_identity(header)
        self.frame_of_reference = _only_one(self.headers, "FrameOfReferenceUID")
        self._positions = np.array([one.position for one in self._slices])
        self._across = self._slices[0].axes[2]

    def nearest(self, patient_mm: tuple[float, float, float]) -> ImageReference:
        """The slice that lies nearest to a point (x, y, z) in the patient."""
        away = np.abs((self._positions - patient_mm) @ self._across)
        one = self._slices[int(np.argmin(away))]
        several = one.header.integer("NumberOfFrames", 1) > 1
        return _reference(one.header, (one.frame + 1,) if several else ())

    def lies_on(self, volume: Volume) -> bool:
        """Whether a volume, in whatever order of its axes, has these slices' places."""
        corners = volume.to_voxel(self._positions)
        whole = np.rint(corners)
        inside = np.all((whole >= 0) & (whole < volume.shape))
        near = np.abs(corners - whole).max() < OFF_GRID
        return bool(inside and near) and len(self._slices) in volume.shape


def check_one_study(headers: Iterable[Header]) -> None:
    """Refuses images of several studies: a report belongs to one.

    Raises:
        DicomError: they are of several.
    """
    _only_one(tuple(headers), "StudyInstanceUID")


def _only_one(headers: tuple[Header, ...], keyword: str) -> str:
    first = headers[0].text(keyword)
    if not first:
        headers[0].refuse(keyword, "is missing", "a report cannot refer to such an image")
    for header in headers:
        if header.text(keyword) != first:
            problem = f"differs from that of {headers[0].path.name}"
            header.refuse(keyword, problem, "give images of one study, as they were acquired")
    return first


def _reference(header: Header, frames: tuple[int, ...]) -> ImageReference:
    return ImageReference(
        sop_class=header.text("SOPClassUID"),
        sop_instance=header.text("SOPInstanceUID"),
        frames=frames,
    )
