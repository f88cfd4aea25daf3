"""Phantom brains: susceptibility-weighted images with microbleeds, mimics and regions, from a seed.

A subject is a few numbers; `BrainPhantom.image` computes what a scanner would see of it where a
grid cuts the head, at the resolution of the grid. Deposits and vessels are susceptibilities, the
images follow from them (see `training.phantoms.susceptibility`), so a bleed blooms, has the phase
of a dipole, and a calcification the opposite one. The background field is that of air in the
sinuses below the forehead. Fluid lies in sulci and ventricles; vessels of the surface run in it.

Limits: those of the modules it is made of; deposits are balls; arteries, haemorrhage, infarcts
and motion are not drawn. What is learned from it says nothing about patients.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from training.phantoms.brain_findings import (
    Deposit,
    Sites,
    Vessel,
    draw_calcifications,
    draw_microbleeds,
    draw_vessels,
)
from training.phantoms.head_anatomy import (
    DECAY_PER_S,
    DENSITY,
    SUSCEPTIBILITY_PPM,
    Anatomy,
    Maps,
    ParametricAnatomy,
)
from training.phantoms.head_grid import HeadGrid, RandomField
from training.phantoms.susceptibility import (
    Acquisition,
    Tissue,
    dipole_field,
    filtered_phase,
    signal,
    thick_slices,
    weighted,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.phantoms.head_grid import Field, Triple

SPACING_MM = (2.0, 0.5, 0.5)
"""Voxels (z, y, x) of the published cohort."""
MARGIN = (4, 10, 10)
"""Voxels around the grid whose susceptibilities are computed too: a dipole reaches beyond."""
THIN_SLICES = 4
"""Slices that are computed for one thick slice."""
SINUS_AIR = (-52.0, -58.0, 0.0)
"""Middle of the air-filled sinuses, in mm."""
SINUS_MOMENT_PPM_MM3 = 9.4 * 10.0**3
"""Susceptibility step between tissue and air times the cube of the cavity's radius in mm."""


@dataclass(frozen=True, kw_only=True)
class BrainOptions:
    """What a phantom brain may hold."""

    microbleeds: tuple[int, int] = (0, 12)
    """Fewest and most bleeds of a subject."""
    acquisition: Acquisition = field(default_factory=Acquisition)
    """How it is imaged."""


@dataclass(frozen=True, kw_only=True)
class BrainImage:
    """What is seen of a subject on a grid, and the truth."""

    grid: HeadGrid
    """Where the voxels lie."""
    swi: Field
    """Susceptibility-weighted magnitude, about 0 to 1."""
    phase: Field
    """Filtered phase in radians; iron is positive above and below itself."""
    regions: NDArray[np.uint8]
    """0 background or fluid, 1 lobar, 2 deep, 3 infratentorial."""
    brain: NDArray[np.bool_]
    """Inside the brain's surface, fluid included."""
    microbleeds: NDArray[np.float64]
    """(n, 4) bleeds whose centre lies on the grid: z, y, x in voxels, diameter in mm."""
    calcifications: NDArray[np.float64]
    """(n, 4) the same for calcium."""


@dataclass(frozen=True, kw_only=True)
class BrainPhantom:
    """One subject."""

    seed: int
    """Everything follows from it."""
    anatomy: Anatomy
    """Tissues and regions."""
    microbleeds: tuple[Deposit, ...]
    """Iron in the parenchyma."""
    calcifications: tuple[Deposit, ...]
    """Calcium."""
    vessels: tuple[Vessel, ...]
    """Veins of the surface, of the white matter, and a sinus."""
    texture: RandomField
    """Small differences of signal inside a tissue."""
    coil: RandomField
    """Sensitivity of the receiving coil."""
    options: BrainOptions
    """What it may hold."""

    @classmethod
    def drawn(
        cls, seed: int, options: BrainOptions | None = None, anatomy: Anatomy | None = None
    ) -> BrainPhantom:
        """The subject of a seed; its anatomy is parametric unless another one is given."""
        options = options or BrainOptions()
        rng = np.random.default_rng([seed, 0])
        anatomy = anatomy or ParametricAnatomy.drawn(rng)
        sites = Sites.of(anatomy)
        fewest, most = options.microbleeds
        count = int(np.clip(np.floor(fewest + rng.exponential(4.0)), fewest, most))
        bleeds = draw_microbleeds(rng, sites, options.acquisition, count)
        return cls(
            seed=seed,
            anatomy=anatomy,
            microbleeds=tuple(bleeds),
            calcifications=tuple(draw_calcifications(rng, sites, options.acquisition, bleeds)),
            vessels=tuple(draw_vessels(rng, sites)),
            texture=RandomField.drawn(rng, 4.0),
            coil=RandomField.drawn(rng, 70.0),
            options=options,
        )

    def image(self, grid: HeadGrid, *, noise_seed: int = 0) -> BrainImage:
        """What is seen on a grid; another `noise_seed` is another acquisition of the same head."""
        acquisition = self.options.acquisition
        fine = grid.grown(MARGIN).finer_slices(THIN_SLICES)
        maps = self.anatomy.on(fine)
        tissue = self._tissue(maps, fine)
        shift = dipole_field(tissue.susceptibility_ppm, fine.spacing_mm) + _sinus_field(fine)
        image = thick_slices(signal(tissue, shift, acquisition), THIN_SLICES)
        rng = np.random.default_rng([self.seed, 1, noise_seed])
        noise = rng.standard_normal((2, *image.shape), np.float32) * acquisition.noise
        image += noise[0] + 1j * noise[1]
        inner = tuple(slice(margin, -margin) for margin in MARGIN)
        phase = filtered_phase(image, acquisition.filter_share)[inner]
        middle = (slice(THIN_SLICES // 2, None, THIN_SLICES),)
        return BrainImage(
            grid=grid,
            swi=weighted(np.abs(image[inner]), phase, acquisition.mask_power),
            phase=np.ascontiguousarray(phase),
            regions=np.ascontiguousarray(maps.regions[middle][inner]),
            brain=np.ascontiguousarray(maps.brain[middle][inner]),
            microbleeds=self._on(grid, self.microbleeds),
            calcifications=self._on(grid, self.calcifications),
        )

    def _tissue(self, maps: Maps, grid: HeadGrid) -> Tissue:
        density = DENSITY[maps.tissues] * (1 + 0.02 * self.texture.on(grid))
        density *= np.exp(0.12 * self.coil.on(grid))
        decay = DECAY_PER_S[maps.tissues]
        susceptibility = SUSCEPTIBILITY_PPM[maps.tissues]
        blood = np.zeros(grid.shape, np.float32)
        if self.vessels:
            _draw_vessels(blood, grid, self.vessels)
        decay += 70 * blood
        for deposit in (*self.microbleeds, *self.calcifications):
            inside = np.zeros(grid.shape, np.float32) if _near(deposit, grid) else None
            if inside is None:
                continue
            ball = np.array([(deposit.radius_mm, 1.0)])
            _draw(inside, grid, np.array([deposit.centre_mm]), ball)
            calcium = deposit.susceptibility_ppm < 0
            susceptibility += inside * deposit.susceptibility_ppm
            decay += inside * (60 if calcium else 120)
            density *= 1 - inside * (0.7 if calcium else 0.4)
        return Tissue(susceptibility_ppm=susceptibility + blood, density=density, decay_per_s=decay)

    def _on(self, grid: HeadGrid, deposits: tuple[Deposit, ...]) -> NDArray[np.float64]:
        rows = []
        for deposit in deposits:
            voxel = grid.to_voxel(np.array(deposit.centre_mm))
            if np.all(voxel > -0.5) and np.all(voxel < np.array(grid.shape) - 0.5):
                rows.append([*voxel, deposit.diameter_mm(self.options.acquisition)])
        return np.array(rows, np.float64).reshape(-1, 4)


def head_grid(spacing_mm: Triple = SPACING_MM) -> HeadGrid:
    """A grid over the whole head: 72 slices of 448 x 352 voxels by default."""
    extent = (144.0, 224.0, 176.0)
    shape = tuple(round(mm / spacing) for mm, spacing in zip(extent, spacing_mm, strict=True))
    return HeadGrid.around((-6.0, 0.0, 0.0), spacing_mm, (shape[0], shape[1], shape[2]))


def _near(deposit: Deposit, grid: HeadGrid) -> bool:
    reach = deposit.radius_mm / np.array(grid.spacing_mm) + 1
    voxel = grid.to_voxel(np.array(deposit.centre_mm))
    return bool(np.all(voxel > -reach) and np.all(voxel < np.array(grid.shape) + reach - 1))


def _draw_vessels(canvas: Field, grid: HeadGrid, vessels: tuple[Vessel, ...]) -> None:
    counts = [len(vessel.points_mm) for vessel in vessels]
    balls = np.array([(vessel.radius_mm, vessel.susceptibility_ppm) for vessel in vessels])
    points = np.concatenate([vessel.points_mm for vessel in vessels])
    _draw(canvas, grid, points, np.repeat(balls, counts, axis=0))


def _draw(
    canvas: Field, grid: HeadGrid, points_mm: NDArray[np.float64], balls: NDArray[np.float64]
) -> None:
    """Balls with a soft edge, the largest value wins: (n, 3) centres, (n, 2) radii and values."""
    reaches = np.ceil((balls[:, :1] + 0.5) / np.array(grid.spacing_mm)).astype(int)
    edge = float(np.mean(grid.spacing_mm))
    centres = np.round(grid.to_voxel(points_mm)).astype(int)
    inside = np.all((centres >= -reaches) & (centres < np.array(grid.shape) + reaches), axis=1)
    lows = np.maximum(centres - reaches, 0)[inside].tolist()
    highs = np.minimum(centres + reaches + 1, grid.shape)[inside].tolist()
    z, y, x = (axis.ravel() for axis in grid.axes())
    for low, high, (pz, py, px), (radius, value) in zip(
        lows, highs, points_mm[inside], balls[inside], strict=True
    ):
        cut = tuple(map(slice, low, high))
        square = (y[cut[1], None] - py) ** 2 + (x[None, cut[2]] - px) ** 2
        distance = np.sqrt((z[cut[0], None, None] - pz) ** 2 + square[None])
        cover = value * np.clip((radius - distance) / edge + 0.5, 0, 1)
        np.maximum(canvas[cut], cover, out=canvas[cut])


def _sinus_field(grid: HeadGrid) -> Field:
    """Field shift in ppm of a ball of air: a dipole of the opposite sign of iron."""
    z, y, x = (axis - centre for axis, centre in zip(grid.axes(), SINUS_AIR, strict=True))
    square = z**2 + y**2 + x**2
    square = np.maximum(square, 10.0**2)
    shape = (3 * z**2 / square - 1) / (3 * square * np.sqrt(square))
    return np.asarray(SINUS_MOMENT_PPM_MM3 * shape, np.float32)
