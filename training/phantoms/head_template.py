"""A head from a T1 template and an atlas of regions in one space, such as MNI152 and MARS.

Tissues follow from the brightness of the template inside the atlas; what the atlas does not name
is fluid. Limits: the same anatomy for every seed, the resolution of the template, no skull.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.nifti import read_nifti
from training.phantoms.head_anatomy import (
    BASAL,
    CORTEX,
    CSF,
    DEEP,
    INFRATENTORIAL,
    IRON_RICH,
    LOBAR,
    NUCLEUS,
    WHITE,
    Maps,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.phantoms.head_grid import HeadGrid

HEAD_ORIGIN_LPS_MM = (0.0, 17.0, 13.0)
"""The centre of the head in MNI152, as (x, y, z) to the left, the back and the head."""
MARS_LABELS = 13
"""Regions of the Microbleed Anatomical Rating Scale (Gregoire et al., Neurology 73, 2009)."""
BASAL_GANGLIA, THALAMUS = 3, 4
"""Their labels that are grey."""
FLUID_BELOW, WHITE_ABOVE = 0.42, 0.80
"""Brightness of the template between fluid, grey and white matter, over its 95th percentile."""


@dataclass(frozen=True, eq=False)
class TemplateAnatomy:
    """A template and its atlas, resampled to wherever a grid lies."""

    brightness: NDArray[np.float32]
    """(slices, rows, columns) of the template, over its 95th percentile inside the brain."""
    brightness_to_voxel: NDArray[np.float64]
    """(4, 4) from DICOM patient coordinates (x, y, z, 1) to the template's voxels."""
    labels: NDArray[np.uint8]
    """(slices, rows, columns) of the atlas, 0 to `MARS_LABELS`."""
    labels_to_voxel: NDArray[np.float64]
    """The same matrix for the atlas."""

    @classmethod
    def read(cls, template: Path, atlas: Path) -> TemplateAnatomy:
        """Reads two NIfTI files.

        An atlas may hold its labels, or their squares, as a published MARS map does.

        Raises:
            VolumeError: a file cannot be read.
            ValueError: the atlas holds something else than these labels.
        """
        brightness, place = read_nifti(template)
        values, atlas_place = read_nifti(atlas)
        brain = brightness > 0
        return cls(
            brightness / np.percentile(brightness[brain], 95),
            np.asarray(np.linalg.inv(place)),
            _labels(values, atlas),
            np.asarray(np.linalg.inv(atlas_place)),
        )

    def on(self, grid: HeadGrid) -> Maps:
        """The head where a grid cuts it, by the nearest voxel."""
        bright = _nearest(self.brightness, self.brightness_to_voxel, grid)
        labels = _nearest(self.labels, self.labels_to_voxel, grid)
        brain = (bright > 0) | (labels > 0)
        grey = (bright < WHITE_ABOVE) | (labels == BASAL_GANGLIA) | (labels == THALAMUS)
        tissues = np.where(grey, CORTEX, WHITE).astype(np.uint8)
        tissues[(labels == BASAL_GANGLIA) | (labels == THALAMUS)] = NUCLEUS
        for nucleus in IRON_RICH:
            tissues[nucleus.inside(grid.axes())] = BASAL
        tissues[(bright < FLUID_BELOW) | (labels == 0)] = CSF
        tissues[~brain] = 0
        table = np.full(256, LOBAR, np.uint8)
        table[[1, 2]], table[3:9] = INFRATENTORIAL, DEEP
        regions = np.where(tissues > CSF, table[labels], 0).astype(np.uint8)
        return Maps(tissues=tissues, regions=regions, brain=brain)


def _labels(values: NDArray[np.float32], path: Path) -> NDArray[np.uint8]:
    plain = np.sqrt(np.abs(values)) if values.max() > MARS_LABELS else values
    labels = np.round(plain)
    if values.min() < 0 or labels.max() > MARS_LABELS or np.abs(plain - labels).max() > 0.05:
        message = (
            f"expected labels from 0 to {MARS_LABELS} or their squares in {path}, got values from "
            f"{values.min():g} to {values.max():g}; give an atlas of the MARS regions"
        )
        raise ValueError(message)
    return labels.astype(np.uint8)


def _nearest(image: NDArray[Any], to_voxel: NDArray[np.float64], grid: HeadGrid) -> NDArray[Any]:
    """The image on a grid that is parallel to it; 0 outside."""
    turned = np.abs(to_voxel[:3, 2::-1])
    if np.count_nonzero(turned > 1e-3 * turned.max()) != 3:
        message = "expected a template and atlas whose axes are those of the head; resample them"
        raise ValueError(message)
    z, y, x = (axis.ravel() for axis in grid.axes())
    place = [axis + origin for axis, origin in zip((x, y, z), HEAD_ORIGIN_LPS_MM, strict=True)]
    indices, inside = [], []
    for row, extent in zip(to_voxel[:3], image.shape, strict=True):
        patient_axis = int(np.argmax(np.abs(row[:3])))
        voxel = np.round(row[patient_axis] * place[patient_axis] + row[3]).astype(int)
        indices.append(np.clip(voxel, 0, extent - 1))
        inside.append((voxel >= 0) & (voxel < extent))
    return np.asarray(image[np.ix_(*indices)] * _outer(inside).astype(image.dtype))


def _outer(inside: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.asarray(inside[0][:, None, None] & inside[1][:, None] & inside[2])
