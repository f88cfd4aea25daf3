"""What lies in a phantom's brain: microbleeds, calcifications, and vessels that look like them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.phantoms.head_anatomy import (
    CEREBRUM,
    CSF,
    DEEP,
    INFRATENTORIAL,
    LOBAR,
    NUCLEUS,
    WHITE,
    Anatomy,
    Maps,
)
from training.phantoms.head_grid import HeadGrid, triple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.phantoms.head_grid import Triple
    from training.phantoms.susceptibility import Acquisition

Points = NDArray[np.float64]
"""(n, 3) places in the head, in mm."""

BLOOMING_RAD = 1.0
"""A deposit is seen out to where its field turns the phase beside it by this much."""
STEP_MM = 0.4
"""Distance of neighbouring points of a vessel."""
SITES = ((LOBAR, 0.5), (DEEP, 0.3), (INFRATENTORIAL, 0.2))
"""Regions of microbleeds with their shares."""
APART_MM = 9.0
"""Least distance of two deposits."""
STRIDE_MM, SWAY, STRAIGHTER = 1.6, 0.45, 0.35
"""Of a vessel's steps: length, how far it sways, and what is left of that in the white matter."""
TRIES = 8
"""Directions that a vessel looks into before each step."""


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """A ball of iron (a microbleed) or of calcium."""

    centre_mm: Triple
    """Where."""
    radius_mm: float
    """Of the ball itself, not of what is seen."""
    susceptibility_ppm: float
    """Positive for iron, negative for calcium."""

    def diameter_mm(self, acquisition: Acquisition) -> float:
        """What is seen: the sphere on whose equator the phase turns by `BLOOMING_RAD`.

        The field beside a ball of radius a falls as chi / 3 (a / r)^3.
        """
        return 2 * self.radius_mm * blooming(self.susceptibility_ppm, acquisition)


@dataclass(frozen=True, kw_only=True)
class Vessel:
    """A vein: a long mimic of a microbleed, round where a slice crosses it."""

    points_mm: Points
    """(n, 3) along its middle, `STEP_MM` apart."""
    radius_mm: float
    """Of its lumen."""
    susceptibility_ppm: float
    """Of its blood, by its deoxyhaemoglobin."""


def blooming(susceptibility_ppm: float, acquisition: Acquisition) -> float:
    """How much larger than itself a deposit looks, at least 1."""
    turn = 2 * np.pi * acquisition.cycles_per_ppm * abs(susceptibility_ppm) / 3
    return float(max(1.0, (turn / BLOOMING_RAD) ** (1 / 3)))


@dataclass(frozen=True)
class Sites:
    """Places of a head by what is there, on a coarse grid."""

    grid: HeadGrid
    maps: Maps

    @classmethod
    def of(cls, anatomy: Anatomy) -> Sites:
        """Looks at a whole head, every 3 mm."""
        grid = HeadGrid.around((-5.0, 0.0, 0.0), (3.0, 3.0, 3.0), (48, 60, 50))
        return cls(grid, anatomy.on(grid))

    def pick(self, rng: np.random.Generator, allowed: NDArray[np.int64]) -> Points | None:
        """Centre of one of the allowed voxels, flat indices, None if there is none."""
        if not len(allowed):
            return None
        voxel = np.array(np.unravel_index(rng.choice(allowed), self.grid.shape), np.float64)
        return self.grid.to_mm(voxel)

    @cached_property
    def fluid(self) -> NDArray[np.bool_]:
        """Where the brain's fluid is."""
        return np.asarray(self.maps.brain & (self.maps.tissues == CSF))

    def is_fluid(self, point_mm: Triple) -> bool:
        """Whether a point lies in the brain's fluid."""
        z, y, x = (
            min(max(round((at - first) / spacing), 0), count - 1)
            for at, first, spacing, count in zip(
                point_mm, self.grid.first_mm, self.grid.spacing_mm, self.grid.shape, strict=True
            )
        )
        return bool(self.fluid[z, y, x])


def draw_microbleeds(
    rng: np.random.Generator, sites: Sites, acquisition: Acquisition, count: int
) -> list[Deposit]:
    """Bleeds in the parenchyma, 2 to 10 mm as seen, most below 5 mm."""
    deposits: list[Deposit] = []
    regions, shares = zip(*SITES, strict=True)
    for _ in range(count):
        allowed = sites.maps.regions == rng.choice(regions, p=shares)
        seen_mm = float(np.clip(np.exp(rng.normal(np.log(3.4), 0.38)), 2.0, 10.0))
        strength = float(rng.uniform(0.5, 2.2))
        _place(rng, sites, allowed, deposits, (seen_mm, strength, acquisition))
    return deposits


def draw_calcifications(
    rng: np.random.Generator, sites: Sites, acquisition: Acquisition, taken: list[Deposit]
) -> list[Deposit]:
    """Calcium: often in the iron-rich nuclei, and anywhere; as large as bleeds, opposite phase."""
    deposits = list(taken)
    tissues = sites.maps.tissues
    for _ in range(int(rng.poisson(5))):
        basal = rng.random() < 0.4
        allowed = (tissues >= NUCLEUS) if basal else sites.maps.regions > 0
        seen_mm = float(np.clip(np.exp(rng.normal(np.log(3.4), 0.38)), 2.0, 8.0))
        strength = -float(rng.uniform(0.5, 2.0))
        _place(rng, sites, allowed, deposits, (seen_mm, strength, acquisition))
    return deposits[len(taken) :]


def _place(
    rng: np.random.Generator,
    sites: Sites,
    allowed: NDArray[np.bool_],
    deposits: list[Deposit],
    size: tuple[float, float, Acquisition],
) -> None:
    """Adds a deposit, unless no place is found away from the others."""
    (seen_mm, strength, acquisition), places = size, np.flatnonzero(allowed)
    for _ in range(20):
        place = sites.pick(rng, places)
        if place is None:
            return
        near = [np.linalg.norm(place - np.array(other.centre_mm)) for other in deposits]
        if not near or min(near) > APART_MM:
            radius = seen_mm / 2 / blooming(strength, acquisition)
            z, y, x = place.tolist()
            deposits.append(
                Deposit(centre_mm=(z, y, x), radius_mm=radius, susceptibility_ppm=strength)
            )
            return


def draw_vessels(rng: np.random.Generator, sites: Sites) -> list[Vessel]:
    """Pial veins that follow the fluid of the sulci, medullary veins, the sagittal sinus."""
    vessels = [_sinus(rng)]
    fluid = np.flatnonzero(sites.fluid)
    for _ in range(int(rng.integers(90, 160))):
        start = sites.pick(rng, fluid)
        if start is not None:
            path = _follow_fluid(rng, start, _unit(rng.standard_normal(3)), sites)
            vessels.append(_vessel(rng, path, (0.3, 0.9)))
    deep = np.flatnonzero(sites.maps.tissues == WHITE)
    for _ in range(int(rng.integers(120, 220))):
        start = sites.pick(rng, deep)
        if start is not None:
            inward = _unit(np.array([10.0, 0.0, 0.0]) - start)
            heading = _unit(inward + 0.5 * rng.standard_normal(3))
            vessels.append(_vessel(rng, _wander(rng, start, heading), (0.15, 0.45)))
    return vessels


def _vessel(rng: np.random.Generator, path: Points, radii: tuple[float, float]) -> Vessel:
    return Vessel(
        points_mm=path,
        radius_mm=float(rng.uniform(*radii)),
        susceptibility_ppm=float(rng.uniform(0.25, 0.6)),
    )


def _follow_fluid(rng: np.random.Generator, start: Points, heading: Points, sites: Sites) -> Points:
    """A swaying path that turns towards fluid and ends where there is none."""
    place, towards = triple(start), triple(heading)
    points = [place]
    for _ in range(_steps(rng)):
        turns = SWAY * rng.standard_normal((TRIES, 3))
        tries = (_turned(towards, turn) for turn in turns.tolist())
        ways = ((_stepped(place, direction), direction) for direction in tries)
        wet = next((way for way in ways if sites.is_fluid(way[0])), None)
        if wet is None:
            break
        place, towards = wet
        points.append(place)
    return _resampled(np.array(points))


def _wander(rng: np.random.Generator, start: Points, heading: Points) -> Points:
    """A slightly swaying path."""
    place, towards = triple(start), triple(heading)
    points = [place]
    turns = SWAY * rng.standard_normal((_steps(rng), TRIES, 3))[:, 0] * STRAIGHTER
    for turn in turns.tolist():
        towards = _turned(towards, turn)
        place = _stepped(place, towards)
        points.append(place)
    return _resampled(np.array(points))


def _steps(rng: np.random.Generator) -> int:
    return int(rng.uniform(8, 38))


def _turned(direction: Triple, turn: Sequence[float]) -> Triple:
    """The unit vector between two."""
    z, y, x = (a + b for a, b in zip(direction, turn, strict=True))
    length = sqrt(z * z + y * y + x * x)
    return z / length, y / length, x / length


def _stepped(place: Triple, direction: Triple) -> Triple:
    z, y, x = (a + STRIDE_MM * b for a, b in zip(place, direction, strict=True))
    return z, y, x


def _sinus(rng: np.random.Generator) -> Vessel:
    """The superior sagittal sinus: an arc over the midline, outside the brain."""
    angle = np.linspace(-0.8, 2.6, 60)
    z = CEREBRUM.centre[0] + 1.03 * CEREBRUM.radii[0] * np.cos(angle)
    y = 1.03 * CEREBRUM.radii[1] * np.sin(angle)
    path = _resampled(np.stack([z, y, np.zeros_like(z)], 1))
    return Vessel(points_mm=path, radius_mm=float(rng.uniform(2.0, 3.0)), susceptibility_ppm=0.35)


def _resampled(points: Points) -> Points:
    """The same path with points `STEP_MM` apart."""
    if len(points) < 2:
        return points
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0, way[-1], STEP_MM)
    return np.stack([np.interp(at, way, axis) for axis in points.T], 1)


def _unit(vector: Points) -> Points:
    return np.asarray(vector / (np.linalg.norm(vector) + 1e-9))
