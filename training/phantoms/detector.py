"""From optical depth to stored pixels: beam, scatter, blur, quanta, field of view, grey scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from training.phantoms.texture import REFERENCE_SIDE, Image, blur, ellipse_points, filled

if TYPE_CHECKING:
    from numpy.typing import NDArray

Relationship = Literal["LIN", "LOG", "DISP"]
"""Pixel Intensity Relationship (0028,1040): how stored values relate to the beam's intensity."""

LOG_STEEPNESS = 500.0
"""Range of the LOG grey scale: one plus this from black to white."""
ELECTRONIC_NOISE = 0.0015
"""Deviation of a pixel without any quanta, as a fraction of the mean exposure. It is added to the
deviation of the quanta, not to their variance: a slightly pessimistic electronics."""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """One acquisition setting; lengths in pixels of the reference frame."""

    relative_noise: float
    """Deviation of a pixel of mean exposure as a fraction of its value."""
    blur_px: float
    """Deviation of the point spread."""
    motion_px: tuple[float, float] = (0.0, 0.0)
    """Way of the scene during one exposure, along rows and columns."""
    scatter: float = 0.15
    """Scatter and veiling glare as a fraction of the primary intensity."""
    grain: float = 0.4
    """Correlation length of the noise in pixels."""
    saturated: float = 0.0
    """Fraction of the field at the end of the range."""
    bits: int = 12
    """Bits stored."""
    relationship: Relationship = "LIN"
    """Grey scale of the stored pixels."""
    gamma: float = 0.7
    """Exponent of the DISP grey scale."""
    inverted: bool = False
    """Stored bright where the beam was weak."""


def expose(depth: Image, detector: Detector, rng: np.random.Generator) -> Image:
    """Intensity behind an optical depth (Beer-Lambert), with scatter, blur and noise."""
    unit = depth.shape[0] / REFERENCE_SIDE
    primary = np.exp(-depth)
    primary += detector.scatter * blur(primary, 45.0 * unit)
    beam = blur(_smear(primary, detector.motion_px, unit), detector.blur_px * unit)
    mean = float(np.mean(beam))
    # Gaussian with the variance of the quanta: at thousands of quanta per pixel nobody can tell.
    deviation = detector.relative_noise * np.sqrt(beam * mean) + ELECTRONIC_NOISE * mean
    return np.asarray(np.maximum(beam + deviation * _grain(depth.shape, detector, rng), 0.0))


def _smear(image: Image, motion_px: tuple[float, float], unit: float) -> Image:
    length = float(np.hypot(*motion_px)) * unit
    if length < 1.0:
        return image
    side = int(np.ceil(length)) | 1
    half = side / 2 - 0.5
    step = np.array(motion_px) / np.hypot(*motion_px) * length / 2
    kernel = np.zeros((side + 2, side + 2), np.float32)
    centre = half + 1
    for t in np.linspace(-1, 1, 4 * side):
        row, column = centre + t * step[0], centre + t * step[1]
        kernel[round(row), round(column)] += 1.0
    return np.asarray(
        cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.float32
    )


def _grain(shape: tuple[int, ...], detector: Detector, rng: np.random.Generator) -> Image:
    noise = rng.standard_normal(shape, dtype=np.float32)
    if detector.grain < 0.3:
        return noise
    noise = cv2.GaussianBlur(noise, (0, 0), detector.grain)
    # The blur takes variance away; the deviation of the noise must not depend on its grain.
    return np.asarray(noise * min(1.0 / (noise.std() + 1e-6), 6.0), np.float32)


def store(beam: Image, window: Image, scale: float, detector: Detector) -> NDArray[np.uint16]:
    """Stored pixels of an intensity; `scale` is the intensity at the end of the range."""
    fraction = np.clip(beam * window / scale, 0.0, 1.0)
    if detector.relationship == "LOG":
        fraction = np.log1p(LOG_STEEPNESS * fraction) / np.log1p(LOG_STEEPNESS)
    elif detector.relationship == "DISP":
        fraction = fraction**detector.gamma
    top = (1 << detector.bits) - 1
    pixels = np.round(fraction * top).astype(np.uint16)
    return np.asarray(top - pixels if detector.inverted else pixels, np.uint16)


def full_scale(beam: Image, window: Image, saturated: float) -> float:
    """Intensity at the end of the range, such that a fraction of the open field lies beyond it."""
    open_field = beam[::4, ::4][window[::4, ::4] > 0.5]
    if saturated <= 0.0:
        return float(np.max(open_field)) * 1.05
    return float(np.quantile(open_field, 1.0 - saturated))


@dataclass(frozen=True, kw_only=True)
class FieldOfView:
    """The part of the frame that is exposed."""

    shape: Literal["full", "circle", "rounded", "octagon", "margins"] = "full"
    """Outline of the image receptor or of the collimator at rest."""
    margin: float = 0.02
    """Distance of the outline from the frame's edge, as a fraction of its side."""
    blades: tuple[float, float, float, float] = field(default=(0.0, 0.0, 0.0, 0.0))
    """How far blades reach in from the top, bottom, left and right, as fractions of the side."""
    leak: float = 0.0
    """Intensity behind a blade as a fraction of the open field."""

    def window(self, size: int) -> Image:
        """Transmission of the collimator, (rows, columns), soft at the edges."""
        unit = size / REFERENCE_SIDE
        window = _outline(self.shape, size, self.margin * size)
        top, bottom, left, right = (round(size * blade) for blade in self.blades)
        window[:top], window[size - bottom :] = 0.0, 0.0
        window[:, :left], window[:, size - right :] = 0.0, 0.0
        window = blur(window, 0.8 * unit)
        return window + self.leak * (1.0 - window)


def _outline(shape: str, size: int, margin: float) -> Image:
    if shape == "full":
        return np.ones((size, size), np.float32)
    low, high, middle = margin, size - margin, size / 2
    if shape == "circle":
        return filled(size, ellipse_points((middle, middle), (middle - margin,) * 2, 0.0, 120))
    cut = {"margins": 0.0, "octagon": 0.22, "rounded": 0.14}[shape] * size
    corners = np.array([[low, low], [low, high], [high, high], [high, low]])
    points = []
    for index, corner in enumerate(corners):
        before, after = corners[index - 1], corners[(index + 1) % 4]
        points += [corner + cut * np.sign(before - corner), corner + cut * np.sign(after - corner)]
    polygon = filled(size, np.array(points))
    return polygon if shape != "rounded" else (blur(polygon, cut / 5) > 0.5).astype(np.float32)
