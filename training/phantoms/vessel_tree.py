"""Random arterial trees in space, projected onto the detector."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from training.phantoms.texture import REFERENCE_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 2.5
"""Distance of two neighbouring points of a branch, in pixels of the reference frame."""
SWAY = np.hanning(15)[1:-1] / np.linalg.norm(np.hanning(15))
"""Correlation of the heading along a branch: about 20 pixels, a loop of a cortical artery."""
MURRAY = 3.0
"""Exponent of Murray's law: the cubes of the daughters' radii sum to the cube of the parent's."""
LABEL_RADIUS = 0.7
"""Branches thinner than this many pixels are drawn but belong to no truth."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One unbranched piece of a vessel, projected."""

    points: NDArray[np.float64]
    """(N, 2) rows and columns in pixels."""
    radii: NDArray[np.float64]
    """(N,) lumen radius in pixels."""
    distance: NDArray[np.float64]
    """(N,) length of the way from the root along the vessels, in pixels, before projection."""


@dataclass(frozen=True, kw_only=True)
class TreeStyle:
    """Shape statistics of a tree; lengths in pixels of the reference frame."""

    root_radius: tuple[float, float]
    """Range of the radius where the tree begins."""
    tip_radius: float
    """A branch ends where it would become thinner than this."""
    length: tuple[float, float]
    """Range of the length of a branch."""
    tortuosity: float
    """Deviation of the heading from the way of the whole branch, in radians."""
    taper: float
    """Loss of radius along one branch, as a fraction."""
    side_branches: float
    """Expected side branches per 100 pixels of length."""


CEREBRAL = TreeStyle(
    root_radius=(2.8, 4.8),
    tip_radius=1.2,
    length=(35.0, 130.0),
    tortuosity=0.75,
    taper=0.10,
    side_branches=0.9,
)
CORONARY = TreeStyle(
    root_radius=(4.0, 7.5),
    tip_radius=1.4,
    length=(25.0, 110.0),
    tortuosity=0.35,
    taper=0.22,
    side_branches=1.3,
)


@dataclass(frozen=True)
class _Bud:
    """Where a branch is about to grow."""

    position: NDArray[np.float64]
    heading: NDArray[np.float64]
    radius: float
    distance: float
    generation: int


@dataclass
class TreeGrower:
    """Grows one tree: bifurcations obey Murray's law, headings wander, side branches sprout."""

    rng: np.random.Generator
    style: TreeStyle
    scale: float
    """Pixels per pixel of the reference frame, times the zoom."""
    limit: int = 110
    """Most branches of one tree."""
    branches: list[Branch] = field(default_factory=list)

    def grow(self, root: NDArray[np.float64], heading: NDArray[np.float64], radius: float) -> None:
        """Grow from `root` (z, row, column) in pixels along the unit vector `heading`."""
        self.grow_from([_Bud(root, heading, radius, 0.0, 0)])

    def grow_from(self, buds: list[_Bud]) -> None:
        while buds and len(self.branches) < self.limit:
            bud = buds.pop(0)
            if bud.radius >= self.style.tip_radius * self.scale:
                buds += self._extend(bud)

    def _extend(self, bud: _Bud) -> list[_Bud]:
        count = max(5, int(self.rng.uniform(*self.style.length) / STEP))
        path, headings = self._wander(bud, count)
        radii = bud.radius * np.linspace(1.0, 1.0 - self.style.taper, count)
        return self.add(path, headings, radii, bud)

    def _wander(self, bud: _Bud, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The heading sways about its start, and drifts a little, about two perpendicular axes."""
        noise = self.rng.standard_normal((2, count + len(SWAY) - 1))
        sway = np.stack([np.convolve(row, SWAY, "valid") for row in noise])
        drift = np.cumsum(noise[:, :count], axis=1) * 0.035
        angles = (sway - sway[:, :1] + drift) * self.style.tortuosity
        side = _perpendicular(bud.heading, self.rng)
        other = _cross(bud.heading, side)
        headings = (
            bud.heading[None] * (np.cos(angles[0]) * np.cos(angles[1]))[:, None]
            + side[None] * np.sin(angles[0])[:, None]
            + other[None] * (np.cos(angles[0]) * np.sin(angles[1]))[:, None]
        )
        return bud.position + np.cumsum(headings, axis=0) * STEP * self.scale, headings

    def add(
        self,
        path: NDArray[np.float64],
        headings: NDArray[np.float64],
        radii: NDArray[np.float64],
        bud: _Bud,
    ) -> list[_Bud]:
        """Store a branch given by (N, 3) points and return the buds at its end and sides."""
        steps = np.linalg.norm(np.diff(path, axis=0, prepend=bud.position[None]), axis=1)
        distance = bud.distance + np.cumsum(steps)
        points = np.concatenate([bud.position[None], path])[:, 1:]
        self.branches.append(
            Branch(
                points=points,
                radii=np.concatenate([[bud.radius], radii]),
                distance=np.concatenate([[bud.distance], distance]),
            )
        )
        buds = self._bifurcate(path[-1], headings[-1], radii[-1], distance[-1], bud.generation)
        expected = self.style.side_branches * len(path) * STEP / 100.0
        for index in self.rng.integers(0, len(path), self.rng.poisson(expected)):
            radius = radii[index] * self.rng.uniform(0.35, 0.7)
            heading = _tilt(headings[index], self.rng.uniform(0.7, 1.4), self.rng)
            buds.append(_Bud(path[index], heading, radius, distance[index], bud.generation + 1))
        return buds

    def _bifurcate(
        self,
        position: NDArray[np.float64],
        heading: NDArray[np.float64],
        radius: float,
        distance: float,
        generation: int,
    ) -> list[_Bud]:
        share = self.rng.uniform(0.3, 0.75)
        buds = []
        for part in (share, 1.0 - share):
            daughter = radius * part ** (1.0 / MURRAY)
            tilt = self.rng.uniform(0.15, 0.6) * (1.5 - part)
            buds.append(
                _Bud(position, _tilt(heading, tilt, self.rng), daughter, distance, generation + 1)
            )
        return buds


def cerebral_tree(rng: np.random.Generator, size: int, zoom: float) -> list[Branch]:
    """A carotid-like trunk from below that fans out over the brain, in a frame of size x size."""
    scale = size / REFERENCE_SIDE * zoom
    grower = TreeGrower(rng, _varied(CEREBRAL, rng), scale, limit=int(rng.integers(25, 120)))
    root = size * np.array([0.0, rng.uniform(0.55, 1.02), rng.uniform(0.25, 0.75)])
    toward = size * np.array([0.0, rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.7)]) - root
    heading = toward / np.linalg.norm(toward)
    grower.grow(root, heading, rng.uniform(*CEREBRAL.root_radius) * scale)
    return grower.branches


def coronary_tree(rng: np.random.Generator, size: int, zoom: float) -> list[Branch]:
    """A trunk along a groove, a circle around the heart seen obliquely, with side branches."""
    scale = size / REFERENCE_SIDE * zoom
    grower = TreeGrower(rng, _varied(CORONARY, rng), scale, limit=int(rng.integers(8, 40)))
    path, headings = _groove(rng, size, scale)
    radius = rng.uniform(*CORONARY.root_radius) * scale
    radii = radius * np.linspace(1.0, rng.uniform(0.45, 0.75), len(path))
    bud = _Bud(path[0], headings[0], radius, 0.0, 0)
    grower.grow_from(grower.add(path, headings, radii, bud))
    return grower.branches


def _varied(style: TreeStyle, rng: np.random.Generator) -> TreeStyle:
    """The same style for another patient: longer or shorter, straighter or more tortuous."""
    stretch = rng.uniform(0.9, 1.8)
    return replace(
        style,
        length=(style.length[0] * stretch, style.length[1] * stretch),
        tortuosity=style.tortuosity * rng.uniform(0.6, 1.3),
    )


def _groove(
    rng: np.random.Generator, size: int, scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Arc of a tilted circle with a wavering radius, as (N, 3) points and headings."""
    heart = rng.uniform(85.0, 150.0) * scale
    extent = rng.uniform(0.9, 4.2)
    count = max(12, int(heart * extent / (STEP * scale)))
    angle = rng.uniform(0, 2 * np.pi) + rng.choice([-1.0, 1.0]) * np.linspace(0, extent, count)
    waver = np.cumsum(rng.standard_normal(count + 8))
    waver = np.convolve(waver, np.ones(9) / 9, "valid")
    reach = heart * (1.0 + 0.02 * (waver - waver.mean()))
    squeeze, tilt = rng.uniform(0.35, 1.0), rng.uniform(0, 2 * np.pi)
    row, column = reach * np.sin(angle) * squeeze, reach * np.cos(angle)
    centre = size * rng.uniform(0.38, 0.62, 2)
    path = np.stack(
        [
            reach * np.sin(angle) * np.sqrt(1.0 - squeeze**2),
            centre[0] + row * np.cos(tilt) + column * np.sin(tilt),
            centre[1] + column * np.cos(tilt) - row * np.sin(tilt),
        ],
        axis=1,
    )
    headings = np.gradient(path, axis=0)
    return path, headings / np.linalg.norm(headings, axis=1, keepdims=True)


def _perpendicular(heading: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    side = _cross(heading, rng.standard_normal(3))
    return np.asarray(side / (np.linalg.norm(side) + 1e-9))


def _tilt(
    heading: NDArray[np.float64], angle: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    tilted = np.cos(angle) * heading + np.sin(angle) * _perpendicular(heading, rng)
    return np.asarray(tilted)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross product of two vectors, without the generality that makes numpy's slow."""
    return np.array(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )
