"""A parametric head: tissues and anatomical regions from ellipsoids and folded surfaces.

Limits: ellipsoids for organs, sulci without a pattern, no white-matter tracts, no disease but
wide ventricles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from training.phantoms.head_grid import RandomField

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.phantoms.head_grid import Field, HeadGrid, Triple

OUTSIDE, SCALP, CSF, CORTEX, WHITE, NUCLEUS, BASAL = range(7)
"""Tissues: air and bone, scalp, fluid, grey matter, white matter, nuclei, iron-rich nuclei."""
NO_REGION, LOBAR, DEEP, INFRATENTORIAL = range(4)
"""Regions of the Microbleed Anatomical Rating Scale; fluid is in none."""
REGIONS = ("background", "lobar", "deep", "infratentorial")

DENSITY = np.array([0.02, 0.8, 0.66, 0.86, 0.75, 0.85, 0.85], np.float32)
"""Signal of each tissue before decay."""
DECAY_PER_S = np.array([0.0, 30.0, 4.0, 16.0, 20.0, 20.0, 32.0], np.float32)
"""R2* of each tissue at 3 T."""
SUSCEPTIBILITY_PPM = np.array([0.0, 0.0, 0.0, 0.01, -0.03, 0.03, 0.12], np.float32)
"""Of each tissue; bone and air are left to the background field."""


@dataclass(frozen=True, kw_only=True)
class Maps:
    """What lies where."""

    tissues: NDArray[np.uint8]
    """One of the seven tissues."""
    regions: NDArray[np.uint8]
    """One of the four regions."""
    brain: NDArray[np.bool_]
    """Inside the brain's surface, its fluid included."""


class Anatomy(Protocol):
    """Tissues and regions of a head, on any grid."""

    def on(self, grid: HeadGrid) -> Maps:
        """The head where a grid cuts it."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """An organ; pairs lie at +-x."""

    centre: Triple
    radii: Triple
    paired: bool = False

    def level(self, axes: tuple[Field, Field, Field]) -> Field:
        """Normalised radius: below 1 inside."""
        z, y, x = axes
        x = np.abs(x) if self.paired else x
        squares = [
            ((axis - centre) / radius) ** 2
            for axis, centre, radius in zip((z, y, x), self.centre, self.radii, strict=True)
        ]
        return np.asarray(np.sqrt(squares[0] + squares[1] + squares[2]), np.float32)

    def inside(self, axes: tuple[Field, Field, Field]) -> NDArray[np.bool_]:
        """Voxels whose centre it holds."""
        return np.asarray(self.level(axes) < 1)


CEREBRUM = Ellipsoid((2.0, 0.0, 0.0), (60.0, 82.0, 66.0))
CEREBELLUM = Ellipsoid((-40.0, 42.0, 21.0), (20.0, 25.0, 27.0), paired=True)
BRAINSTEM = Ellipsoid((-38.0, 16.0, 0.0), (32.0, 12.0, 13.0))
DEEP_BODY = Ellipsoid((8.0, 0.0, 0.0), (22.0, 36.0, 31.0))
NUCLEI = (
    Ellipsoid((10.0, -16.0, 14.0), (10.0, 11.0, 5.0), paired=True),  # caudate
    Ellipsoid((2.0, -2.0, 26.0), (10.0, 16.0, 5.0), paired=True),  # putamen
    Ellipsoid((7.0, 14.0, 11.0), (9.0, 14.0, 8.0), paired=True),  # thalamus
)
IRON_RICH = (
    Ellipsoid((1.0, 0.0, 19.0), (6.0, 9.0, 3.5), paired=True),  # globus pallidus
    Ellipsoid((-15.0, 12.0, 8.0), (3.0, 5.0, 3.0), paired=True),  # substantia nigra, red nucleus
    Ellipsoid((-38.0, 44.0, 14.0), (4.0, 7.0, 4.0), paired=True),  # dentate
)
VENTRICLES = (
    Ellipsoid((15.0, 2.0, 10.0), (8.0, 30.0, 5.0), paired=True),  # lateral
    Ellipsoid((2.0, 6.0, 0.0), (9.0, 12.0, 2.0)),  # third
    Ellipsoid((-36.0, 25.0, 0.0), (8.0, 4.0, 6.0)),  # fourth
)
PERIVENTRICULAR_MM, TENTORIUM_MM, SULCUS_DEPTH_MM, RIBBON_MM = 5.0, 1.2, 15.0, 3.5
PIA_MM, SKULL_MM, SCALP_MM = 2.0, 7.0, 12.0
"""Outer surface of the fluid, of the bone and of the scalp, outside the brain's."""


@dataclass(frozen=True, kw_only=True)
class ParametricAnatomy:
    """A head drawn from a few numbers."""

    scale: float
    """Size of the head; 1 is the mean."""
    ventricles: float
    """Width of the ventricles; grows with age."""
    atrophy: float
    """Width of the sulci; grows with age."""
    folds: RandomField
    """Its zero surface is where sulci lie."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> ParametricAnatomy:
        """An adult or old person."""
        age = rng.uniform()
        return cls(
            scale=float(rng.uniform(0.93, 1.07)),
            ventricles=float(0.9 + 0.7 * age * rng.uniform(0.5, 1)),
            atrophy=float(0.7 + 0.8 * age),
            folds=RandomField.drawn(rng, 8.0),
        )

    def on(self, grid: HeadGrid) -> Maps:
        """The head where a grid cuts it."""
        z, y, x = (axis / np.float32(self.scale) for axis in grid.axes())
        axes = (z, y, x)
        level = CEREBRUM.level(axes)
        lower = (CEREBELLUM.inside(axes) | BRAINSTEM.inside(axes)) & (z < _tentorium(y))
        temporal = (y < 14) & (np.hypot(x / 16, (y - 14) / 45) > 1) & (z > -48)
        upper = (level < 1) & (temporal | (z > _tentorium(y) + TENTORIUM_MM))
        depth = (1 - level) * np.float32(66.0 * self.scale)
        brain = lower | (depth > -PIA_MM)
        tissues = np.zeros(grid.shape, np.uint8)
        tissues[(depth < -SKULL_MM) & (depth > -SCALP_MM)] = SCALP
        tissues[brain] = CSF
        tissues[upper | lower] = WHITE
        deep = upper & self._deep(axes)
        self._fold(tissues, upper & ~deep, (depth, x), grid)
        tissues[lower & (np.abs(self.folds.on(grid)) < 0.25)] = CORTEX
        self._organs(tissues, upper | lower, axes)
        return Maps(tissues=tissues, regions=_regions(tissues, deep, lower), brain=brain)

    def _deep(self, axes: tuple[Field, Field, Field]) -> NDArray[np.bool_]:
        margin = 1 + PERIVENTRICULAR_MM / 12.0
        return DEEP_BODY.inside(axes) | (VENTRICLES[0].level(axes) < margin * self.ventricles)

    def _fold(
        self,
        tissues: NDArray[np.uint8],
        lobes: NDArray[np.bool_],
        depth_and_side: tuple[Field, Field],
        grid: HeadGrid,
    ) -> None:
        """Sulci and the ribbon of cortex along them and along the outer surface."""
        depth, side = depth_and_side
        fold = np.abs(self.folds.on(grid))
        width = np.clip(1 - depth / SULCUS_DEPTH_MM, 0, 1) * np.float32(0.22 * self.atrophy)
        ribbon = (fold < width + 0.3) & (depth < SULCUS_DEPTH_MM + RIBBON_MM)
        tissues[lobes & (ribbon | (depth < RIBBON_MM))] = CORTEX
        fissure = np.abs(side) < 0.8 * self.atrophy
        tissues[lobes & ((fold < width) | fissure)] = CSF

    def _organs(
        self,
        tissues: NDArray[np.uint8],
        parenchyma: NDArray[np.bool_],
        axes: tuple[Field, Field, Field],
    ) -> None:
        for nucleus in NUCLEI:
            tissues[nucleus.inside(axes) & parenchyma] = NUCLEUS
        for nucleus in IRON_RICH:
            tissues[nucleus.inside(axes) & parenchyma] = BASAL
        for ventricle in VENTRICLES:
            tissues[(ventricle.level(axes) < self.ventricles**0.5) & parenchyma] = CSF


def _tentorium(y: Field) -> Field:
    """Height of the roof over the cerebellum: it falls to the back and to the front."""
    return np.asarray(-20.0 - np.abs(y - 20.0) * 0.25, np.float32)


def _regions(
    tissues: NDArray[np.uint8], deep: NDArray[np.bool_], lower: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    regions = np.full(tissues.shape, LOBAR, np.uint8)
    regions[deep] = DEEP
    regions[lower] = INFRATENTORIAL
    regions[tissues <= CSF] = NO_REGION
    return regions
