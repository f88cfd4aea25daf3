"""What lies in the field besides the patient: catheters, wires, leads, clips, coils, filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.phantoms.texture import REFERENCE_SIDE, Image, blur, ellipse_points, filled, stroke

if TYPE_CHECKING:
    from numpy.typing import NDArray


def catheter(rng: np.random.Generator, size: int, tip: NDArray[np.float64]) -> Image:
    """A tube of constant width from an edge of the frame to the tip (row, column)."""
    unit = size / REFERENCE_SIDE
    edge = rng.integers(4)
    along = rng.uniform(0.1, 0.9)
    start = size * np.array([[-0.05, along], [along, -0.05], [1.05, along], [along, 1.05]][edge])
    chord = tip - start
    normal = np.array([-chord[1], chord[0]])
    middle = start + chord * rng.uniform(0.4, 0.8) + normal * rng.uniform(-0.35, 0.35)
    t = np.linspace(0, 1, 60)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * tip
    width = unit * rng.uniform(2.5, 6.5)
    tube = stroke(size, points, width)
    if rng.random() < 0.4:
        tube = tube - rng.uniform(0.2, 0.6) * stroke(size, points, max(1.0, width * 0.5))
    return blur(tube * rng.uniform(0.15, 0.7), unit * 0.6)


def clutter(rng: np.random.Generator, size: int) -> Image:
    """Random wires, leads, markers, coils and a wedge filter: optical depth (rows, columns)."""
    depth = np.zeros((size, size), np.float32)
    for draw, rate in ((_wire, 0.35), (_wire, 0.15), (_marker, 0.3), (_coil, 0.08), (_wedge, 0.3)):
        if rng.random() < rate:
            depth += draw(rng, size, size / REFERENCE_SIDE)
    return depth


def _wire(rng: np.random.Generator, size: int, unit: float) -> Image:
    """A guide wire, an ECG lead or a sternal wire: thin, smooth, of constant width."""
    ends = size * np.array([[-0.05, rng.uniform()], [1.05, rng.uniform()]])
    if rng.random() < 0.5:
        ends = ends[:, ::-1]
    middle = ends.mean(axis=0) + size * rng.uniform(-0.25, 0.25, 2)
    t = np.linspace(0, 1, 60)[:, None]
    points = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1]
    line = stroke(size, points, unit * rng.uniform(1, 5))
    return blur(line * rng.uniform(0.08, 0.4), unit * rng.uniform(0.6, 1.5))


def _marker(rng: np.random.Generator, size: int, unit: float) -> Image:
    """Clips and lead dots: small, dense, round."""
    depth = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 5)):
        centre = size * rng.uniform(0.05, 0.95, 2)
        radius = unit * rng.uniform(2, 6)
        shape = ellipse_points((centre[0], centre[1]), (radius, radius), 0.0, 24)
        depth += rng.uniform(0.3, 1.2) * filled(size, shape)
    return blur(depth, unit * 0.7)


def _coil(rng: np.random.Generator, size: int, unit: float) -> Image:
    """A packed ball of platinum wire."""
    centre = size * rng.uniform(0.25, 0.75, 2)
    walk = np.cumsum(rng.standard_normal((120, 2)), axis=0)
    walk = (walk - walk.mean(axis=0)) / walk.std(axis=0)
    points = centre + unit * rng.uniform(5, 14) * np.tanh(walk)
    return blur(stroke(size, points, 2.0 * unit) * rng.uniform(0.8, 2.0), unit * 0.7)


def _wedge(rng: np.random.Generator, size: int, unit: float) -> Image:
    """A semi-transparent filter over one side of the field, with a nearly straight edge."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) - size / 2
    side = rows * np.sin(angle) + columns * np.cos(angle) - size * rng.uniform(0.1, 0.45)
    step = 1.0 / (1.0 + np.exp(np.clip(-side / (unit * rng.uniform(0.8, 8)), -20, 20)))
    return np.asarray(rng.uniform(0.2, 0.9) * step, np.float32)
