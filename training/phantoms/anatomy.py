"""Anatomy in front of and behind the vessels, as a map of optical depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.phantoms.texture import (
    REFERENCE_SIDE,
    Image,
    blur,
    ellipse_points,
    filled,
    smooth_field,
    stroke,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def head(rng: np.random.Generator, size: int, zoom: float) -> Image:
    """Skull outline, skull base, petrous bone, sinuses, teeth: optical depth (rows, columns)."""
    unit = size / REFERENCE_SIDE
    centre = (size * rng.uniform(0.4, 0.6), size * rng.uniform(0.35, 0.65))
    radii = size * zoom * rng.uniform(0.42, 0.75, 2)
    tilt = rng.uniform(-0.6, 0.6)
    depth = _soft_tissue(rng, size)
    depth += _skull(rng, size, (centre, (float(radii[0]), float(radii[1])), tilt))
    for _ in range(rng.integers(0, 4)):
        depth += rng.uniform(0.1, 0.5) * _bone_line(rng, size, unit * zoom)
    if rng.random() < 0.75:
        depth += _petrous(rng, size, unit * zoom)
    for _ in range(rng.integers(0, 3)):
        depth -= rng.uniform(0.1, 0.4) * _blob(rng, size, unit * zoom * 45, 3.0)
    if rng.random() < 0.15:
        depth += _teeth(rng, size, unit * zoom)
    return np.maximum(depth, 0.0)


def chest(rng: np.random.Generator, size: int, zoom: float) -> Image:
    """Lung, heart silhouette, spine, ribs and diaphragm: optical depth (rows, columns)."""
    unit = size / REFERENCE_SIDE
    depth = _soft_tissue(rng, size)
    depth += rng.uniform(0.02, 0.07) * smooth_field(rng, size, unit * rng.uniform(4, 9))
    heart = ellipse_points(
        (size * rng.uniform(0.4, 0.7), size * rng.uniform(0.3, 0.7)),
        (size * zoom * rng.uniform(0.25, 0.45), size * zoom * rng.uniform(0.25, 0.5)),
        rng.uniform(-0.8, 0.8),
    )
    depth += rng.uniform(0.1, 0.6) * blur(filled(size, heart), unit * rng.uniform(2, 25))
    if rng.random() < 0.75:
        depth += _spine(rng, size, unit * zoom)
    if rng.random() < 0.7:
        depth += _ribs(rng, size, unit * zoom)
    if rng.random() < 0.6:
        depth += _diaphragm(rng, size, unit * zoom)
    return np.maximum(depth, 0.0)


def _soft_tissue(rng: np.random.Generator, size: int) -> Image:
    """Slow gradients of the body's thickness and a faint texture, independent of the grade."""
    unit = size / REFERENCE_SIDE
    depth = rng.uniform(0.4, 1.0) + rng.uniform(0.05, 0.35) * smooth_field(rng, size, unit * 130)
    depth += rng.uniform(0.02, 0.10) * smooth_field(rng, size, unit * rng.uniform(25, 50))
    depth += rng.uniform(0.005, 0.03) * smooth_field(rng, size, unit * rng.uniform(5, 14))
    return np.asarray(depth, np.float32)


def _skull(
    rng: np.random.Generator,
    size: int,
    ellipse: tuple[tuple[float, float], tuple[float, float], float],
) -> Image:
    """Air outside, tissue and a thin shell of bone inside; the shell is darkest along its edge."""
    unit = size / REFERENCE_SIDE
    centre, radii, tilt = ellipse
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    row, column = rows - centre[0], columns - centre[1]
    along = (row * np.cos(tilt) - column * np.sin(tilt)) / radii[0]
    across = (column * np.cos(tilt) + row * np.sin(tilt)) / radii[1]
    squared = along**2 + across**2
    shell = rng.uniform(0.03, 0.07)
    outer = np.sqrt(np.maximum(1.0 - squared, 0.0))
    inner = np.sqrt(np.maximum((1.0 - shell) ** 2 - squared, 0.0))
    depth = rng.uniform(0.5, 1.3) * outer + rng.uniform(0.6, 2.0) * (outer - inner)
    depth *= 1.0 + 0.05 * smooth_field(rng, size, unit * 10)
    return blur(np.asarray(depth, np.float32), unit * rng.uniform(0.5, 2.0))


def _bone_line(rng: np.random.Generator, size: int, unit: float) -> Image:
    """A bundle of curved edges: a fold of the skull base, a suture, a sinus groove."""
    points = _curve(rng, size)
    depth = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 4)):
        offset = unit * rng.uniform(-14, 14, 2)
        depth += rng.uniform(0.3, 1.0) * stroke(size, points + offset, unit * rng.uniform(2, 16))
    fade = np.clip(0.7 + 0.6 * smooth_field(rng, size, 90 * unit), 0.0, 1.0)
    return blur(depth * fade, unit * rng.uniform(1.0, 6.0))


def _petrous(rng: np.random.Generator, size: int, unit: float) -> Image:
    centre = (size * rng.uniform(0.55, 0.95), size * rng.uniform(0.2, 0.8))
    shape = ellipse_points(
        centre, (unit * rng.uniform(25, 60), unit * rng.uniform(40, 100)), rng.uniform(-0.8, 0.8)
    )
    bone = blur(filled(size, shape), unit * rng.uniform(3, 12))
    cells = np.maximum(smooth_field(rng, size, unit * rng.uniform(5, 10)), 0.0)
    return np.asarray(bone * (rng.uniform(0.4, 1.0) - 0.25 * cells), np.float32)


def _teeth(rng: np.random.Generator, size: int, unit: float) -> Image:
    depth = np.zeros((size, size), np.float32)
    start = size * np.array([rng.uniform(0.8, 0.97), rng.uniform(0.02, 0.5)])
    for index in range(rng.integers(3, 8)):
        centre = start + unit * np.array([rng.uniform(-4, 4), 22.0 * index])
        shape = ellipse_points(
            (centre[0], centre[1]), (unit * rng.uniform(10, 20), unit * rng.uniform(6, 10)), 0.0
        )
        depth += rng.uniform(0.4, 2.0) * filled(size, shape)
    return blur(depth, unit * 0.8)


def _spine(rng: np.random.Generator, size: int, unit: float) -> Image:
    """A wide dark band with the faint steps of the vertebrae."""
    middle = size * rng.uniform(-0.05, 1.05)
    slope = rng.uniform(-0.25, 0.25)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    across = np.abs(columns - middle - slope * (rows - size / 2))
    half = unit * rng.uniform(45, 120)
    edge = unit * rng.uniform(2, 14)
    band = 1.0 / (1.0 + np.exp(np.clip((across - half) / edge, -20, 20)))
    period = unit * rng.uniform(55, 90)
    phase = rng.uniform(0, 6.28)
    steps = 1.0 + rng.uniform(0.0, 0.15) * np.tanh(4 * np.sin(rows * 6.28 / period + phase))
    return np.asarray(rng.uniform(0.3, 1.1) * band * steps, np.float32)


def _ribs(rng: np.random.Generator, size: int, unit: float) -> Image:
    depth = np.zeros((size, size), np.float32)
    radius = size * rng.uniform(0.5, 1.2)
    side = rng.choice([-1.0, 1.0])
    first, spacing = rng.uniform(-0.3, 0.0) * size, unit * rng.uniform(55, 95)
    width, wall = unit * rng.uniform(14, 30), unit * rng.uniform(2, 4)
    for index in range(9):
        angle = np.linspace(-1.3, 1.3, 40)
        row = first + index * spacing + radius * (1 - np.cos(angle)) * rng.uniform(0.5, 0.9)
        points = np.stack([row, size / 2 + side * radius * np.sin(angle)], axis=1)
        band = stroke(size, points, width)
        core = stroke(size, points, max(1.0, width - 2 * wall))
        depth += band - rng.uniform(0.3, 0.7) * core
    return blur(depth * rng.uniform(0.05, 0.25), unit * rng.uniform(0.7, 2.5))


def _diaphragm(rng: np.random.Generator, size: int, unit: float) -> Image:
    centre = (size * rng.uniform(1.1, 1.6), size * rng.uniform(0.0, 1.0))
    reach = centre[0] - size * rng.uniform(0.55, 0.95)
    shape = ellipse_points(centre, (reach, size * rng.uniform(0.4, 0.9)), rng.uniform(-0.3, 0.3))
    return rng.uniform(0.2, 0.9) * blur(filled(size, shape), unit * rng.uniform(0.8, 4.0))


def _blob(rng: np.random.Generator, size: int, radius: float, softness: float) -> Image:
    centre = size * rng.uniform(0.1, 0.95, 2)
    radii = radius * rng.uniform(0.4, 1.3, 2)
    shape = ellipse_points((centre[0], centre[1]), (radii[0], radii[1]), rng.uniform(0, np.pi))
    return blur(filled(size, shape), softness * radius / 45 * rng.uniform(0.7, 4))


def _curve(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Quadratic curve from one edge of the frame to another as (N, 2) rows and columns."""
    ends = size * np.array([[-0.1, rng.uniform(-0.3, 1.3)], [1.1, rng.uniform(-0.3, 1.3)]])
    if rng.random() < 0.6:
        ends = ends[:, ::-1]
    middle = ends.mean(axis=0) + size * rng.uniform(-0.4, 0.4, 2)
    t = np.linspace(0, 1, 40)[:, None]
    return np.asarray((1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1])


def displace(depth: Image, shift: tuple[float, float], rotation_deg: float) -> Image:
    """Move a layer by (rows, columns) pixels and turn it about its centre."""
    side = depth.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), rotation_deg, 1.0)
    matrix[:, 2] += shift[::-1]
    return np.asarray(
        cv2.warpAffine(depth, matrix, depth.shape[::-1], borderMode=cv2.BORDER_REFLECT), np.float32
    )
