"""A volume as it was acquired: voxels, and where they lie in the patient."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdk.errors import VolumeError

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Volume:
    """Voxels of a susceptibility-weighted acquisition, and where they lie in the patient.

    Voxel coordinates are (slice, row, column) with 0 in the centre of the first voxel. Patient
    coordinates are those of DICOM (PS3.3 C.7.6.2.1.1): x to the left, y to the back, z to the head.

    Attributes:
        voxels: (slices, rows, columns), the SWI or magnitude image.
        to_patient: (4, 4) from (slice, row, column, 1) to (x, y, z, 1) in mm.
        phase: of the shape of the voxels, high-pass-filtered phase in radians. Sign convention:
            iron gives positive phase in the voxels directly above and below it along B0
            (right-handed). None if there is none.
        brain: of the shape of the voxels, non-zero inside the brain; None to estimate it.
        notes: what a reader did to the stored values, in sentences.
        user: anything of the caller's, carried untouched to the outcome.

    Raises:
        VolumeError: what the volume says about itself does not fit together.
    """

    voxels: NDArray[Any]
    to_patient: NDArray[np.float64]
    phase: NDArray[np.float32] | None = None
    brain: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()
    user: Any = None

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or 0 in self.voxels.shape or self.voxels.dtype.kind not in "uif":
            raise VolumeError(
                "voxels must be real numbers of shape (slices, rows, columns), got "
                f"{self.voxels.dtype} {self.voxels.shape}"
            )
        for name, other in (("phase", self.phase), ("brain", self.brain)):
            if other is not None and other.shape != self.voxels.shape:
                raise VolumeError(
                    f"{name} must have the shape of the voxels, {self.voxels.shape}, got "
                    f"{other.shape}; give two images of one acquisition"
                )
        if self.phase is not None and self.phase.dtype.kind not in "uif":
            raise VolumeError(f"phase must be real numbers in radians, got {self.phase.dtype}")
        affine = np.asarray(self.to_patient, np.float64)
        placed = affine.shape == (4, 4) and bool(np.isfinite(affine).all())
        if not placed or not abs(np.linalg.det(affine[:3, :3])) > 1e-9:
            raise VolumeError(
                f"to_patient must be an invertible 4 x 4 matrix, got {affine.tolist()}; correct "
                "the orientation in the file"
            )
        object.__setattr__(self, "to_patient", affine)

    @classmethod
    def of_spacing(
        cls,
        voxels: NDArray[Any],
        spacing_mm: tuple[float, float, float],
        phase: NDArray[np.float32] | None = None,
        brain: NDArray[Any] | None = None,
    ) -> "Volume":
        """An axial volume from (slice, row, column) distances, its first voxel at the origin."""
        to_patient = np.eye(4)[[2, 1, 0, 3]] * np.array([*spacing_mm, 1.0])
        return cls(voxels=voxels, to_patient=to_patient, phase=phase, brain=brain)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along (slice, row, column)."""
        z, y, x = np.linalg.norm(self.to_patient[:3, :3], axis=0).tolist()
        return z, y, x

    def to_patient_mm(self, voxels: ArrayLike) -> Points:
        """(..., 3) voxels (slice, row, column) -> (x, y, z) in mm."""
        return np.asarray(voxels, np.float64) @ self.to_patient[:3, :3].T + self.to_patient[:3, 3]

    def to_voxel(self, patient_mm: ArrayLike) -> Points:
        """(..., 3) points (x, y, z) in mm -> voxels (slice, row, column)."""
        offset = np.asarray(patient_mm, np.float64) - self.to_patient[:3, 3]
        return np.asarray(offset @ np.linalg.inv(self.to_patient[:3, :3]).T)

    def axial(self) -> "Volume":
        """The same voxels with slices from feet to head, rows to the back, columns to the left.

        Axes are swapped and mirrored, nothing is interpolated: an oblique volume stays oblique.
        """
        order, mirrored = _axial_order(self.to_patient)
        turn = np.zeros((4, 4))
        turn[3, 3] = 1.0
        for new, old in enumerate(order):
            turn[old, new] = -1.0 if mirrored[new] else 1.0
            turn[old, 3] = self.shape[old] - 1 if mirrored[new] else 0.0

        def turned(array: NDArray[Any]) -> NDArray[Any]:
            array = np.transpose(array, order)
            return array[tuple(slice(None, None, -1 if flip else 1) for flip in mirrored)]

        return replace(
            self,
            voxels=turned(self.voxels),
            phase=None if self.phase is None else turned(self.phase),
            brain=None if self.brain is None else turned(self.brain),
            to_patient=self.to_patient @ turn,
        )


def _axial_order(to_patient: NDArray[np.float64]) -> tuple[list[int], list[bool]]:
    """For z, y and x of the patient: the array's axis closest to it, and whether it runs back."""
    directions = to_patient[:3, :3] / np.linalg.norm(to_patient[:3, :3], axis=0)
    order: list[int] = []
    mirrored = []
    for patient_axis in (2, 1, 0):
        along = directions[patient_axis].copy()
        along[order] = 0.0
        axis = int(np.argmax(np.abs(along)))
        order.append(axis)
        mirrored.append(bool(along[axis] < 0))
    return order, mirrored
