"""Phantom frames with a known quality grade and known vessels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.phantoms import anatomy, devices, dose, misregistration, quality
from training.phantoms.bolus import front
from training.phantoms.detector import (
    Detector,
    FieldOfView,
    Relationship,
    expose,
    full_scale,
    store,
)
from training.phantoms.projection import VesselLayer, project
from training.phantoms.quality import Severities, draw_severities
from training.phantoms.texture import REFERENCE_SIDE, Image
from training.phantoms.vessel_tree import Branch, cerebral_tree, coronary_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT_DEPTH = (1.0, 1.4)
"""Range of the optical depth of completely filled blood along the widest ray of a tree."""
BUILD = (0.5, 1.0)
"""Range of the thickness of a patient, as a fraction of the largest."""
SUBTRACTED_SHARE = 0.55
"""Part of the phantom frames that come with a mask."""
LEAST_COVER = 0.015
"""Smallest part of the frame that vessels cover, before blades hide some."""
MOST_TREES = 16
"""How often trees are grown anew until they cover so much."""
CEREBRAL_SHARE = 0.55
"""Part of the phantoms that show a head, the others a heart."""


@dataclass(frozen=True, kw_only=True)
class PhantomFrame:
    """One phantom frame and the truth about it."""

    pixels: NDArray[np.uint16]
    """(rows, columns) stored values."""
    mask: NDArray[np.uint16] | None
    """(rows, columns) contrast-free frame to subtract, or none for a native frame."""
    relationship: Relationship
    """Pixel Intensity Relationship of both."""
    vessels: NDArray[np.uint8]
    """(rows, columns) 1 inside a vessel: the whole tree inside the field, filled or not."""
    grade: int
    """2 good, 1 acceptable, 0 poor."""
    severities: Severities
    """Severity of each quality axis."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything in the beam, as optical depths of (rows, columns)."""

    anatomy: Image
    """The patient without iodine."""
    devices: Image
    """Catheter, wires, markers, filters."""
    vessels: VesselLayer
    """The tree."""
    iodine: float
    """Optical depth of one pixel of completely filled blood."""

    def depth(self, filling: Image | float) -> Image:
        """Optical depth with the vessels filled to a fraction of the full concentration."""
        blood = self.iodine * self.vessels.thickness * filling
        return np.asarray(self.anatomy + self.devices + blood, np.float32)


def phantom_frame(seed: int, size: int = REFERENCE_SIDE, grade: int | None = None) -> PhantomFrame:
    """One frame of size x size, the same for the same arguments; a random grade unless given.

    Raises:
        ValueError: there is no such grade.
    """
    rng = np.random.default_rng([seed, 0xA6])
    grade = int(rng.integers(3)) if grade is None else grade
    severities = draw_severities(rng, grade)
    scene = draw_scene(rng, size)
    fov = draw_field_of_view(rng, severities.collimation)
    subtracted = bool(rng.random() < SUBTRACTED_SHARE)
    detector = draw_detector(rng, severities, subtracted=subtracted)
    window = fov.window(size)
    filling = front(scene.vessels.arrival, quality.front_reach(severities.filling))
    filling = filling * quality.iodine_fraction(severities.density)
    depth = scene.depth(filling)
    patient = scene.depth(0.0)
    blood = scene.depth(1.0) - patient if subtracted else None
    share = quality.noise_share(severities.noise)
    noise = dose.relative_noise(share, depth, blood, detector)
    detector = replace(detector, relative_noise=noise)
    beam = expose(depth, detector, rng)
    scale = full_scale(beam, window, detector.saturated)
    pixels = store(beam, window, scale, detector)
    mask = None
    if blood is not None:
        direction = float(rng.uniform(0, 2 * np.pi))
        elsewhere = misregistration.moved(patient, blood, severities.motion, direction)
        mask = store(expose(elsewhere, detector, rng), window, scale, detector)
    else:
        burn_in(pixels, rng, detector.bits)
    return PhantomFrame(
        pixels=pixels,
        mask=mask,
        relationship=detector.relationship,
        vessels=scene.vessels.truth * (window > 0.5).astype(np.uint8),
        grade=grade,
        severities=severities,
    )


def draw_scene(rng: np.random.Generator, size: int, *, cerebral: bool | None = None) -> Scene:
    """Anatomy, devices and vessels of a head or a heart; nothing here knows the grade."""
    zoom = float(rng.uniform(0.85, 1.5))
    head = bool(rng.random() < CEREBRAL_SHARE)
    cerebral = head if cerebral is None else cerebral
    branches, layer = _vessels(rng, size, zoom, cerebral=cerebral)
    patient = (anatomy.head if cerebral else anatomy.chest)(rng, size, zoom)
    objects = devices.clutter(rng, size)
    if rng.random() < 0.65:
        objects += devices.catheter(rng, size, branches[0].points[0])
    widest = 2.0 * float(branches[0].radii[0])
    return Scene(
        anatomy=patient * np.float32(rng.uniform(*BUILD)),
        devices=objects,
        vessels=layer,
        iodine=float(rng.uniform(*ROOT_DEPTH)) / widest,
    )


def _vessels(
    rng: np.random.Generator, size: int, zoom: float, *, cerebral: bool
) -> tuple[list[Branch], VesselLayer]:
    """Trees that cover enough of the frame to be what its grey scale is spread over.

    In a small frame most branches are too thin for the truth: there the last trees are taken.
    """
    for _ in range(MOST_TREES):
        branches = _trees(rng, size, zoom, cerebral=cerebral)
        layer = project(branches, size)
        if layer.truth.mean() >= LEAST_COVER:
            break
    return branches, layer


def _trees(rng: np.random.Generator, size: int, zoom: float, *, cerebral: bool) -> list[Branch]:
    grow = cerebral_tree if cerebral else coronary_tree
    branches: list[Branch] = []
    while not _in_view(branches, size):
        branches = grow(rng, size, zoom)
    for _ in range(rng.choice(3, p=(0.6, 0.25, 0.15))):
        branches = branches + grow(rng, size, zoom)
    return branches


def _in_view(branches: list[Branch], size: int) -> bool:
    """Whether enough of a tree lies inside the frame to speak of an angiogram."""
    if not branches:
        return False
    points = np.concatenate([branch.points for branch in branches])
    inside = ((points > 0) & (points < size)).all(axis=1)
    return bool(inside.sum() > 120 and inside.mean() > 0.4)


def draw_field_of_view(rng: np.random.Generator, collimation: float) -> FieldOfView:
    """Outline at random, blades as the severity says, from one side or from two."""
    shapes = ("full", "circle", "rounded", "octagon", "margins")
    blades = np.zeros(4)
    hidden = quality.hidden_fraction(collimation)
    if rng.random() < 0.5:
        blades[rng.integers(4)] = hidden
    else:
        first = rng.integers(2) * 2
        share = rng.uniform(0.3, 0.7)
        blades[first], blades[first + 1] = hidden * share, hidden * (1 - share)
    return FieldOfView(
        shape=shapes[int(rng.choice(5, p=(0.35, 0.25, 0.1, 0.15, 0.15)))],  # type: ignore[arg-type]
        margin=float(rng.uniform(0.0, 0.04)),
        blades=(blades[0], blades[1], blades[2], blades[3]),
        leak=float(rng.choice([0.0, 0.0, 0.02])),
    )


def draw_detector(
    rng: np.random.Generator, severities: Severities, *, subtracted: bool
) -> Detector:
    """Detector settings: the severities set blur, motion and saturation, chance the rest.

    The noise is set later, by a dose that fits what is seen.
    """
    angle = rng.uniform(0, 2 * np.pi)
    motion = 0.0 if subtracted else quality.motion_blur_px(severities.motion)
    scales: tuple[Relationship, ...] = ("LIN", "LOG", "DISP")
    return Detector(
        relative_noise=0.0,
        blur_px=quality.blur_px(severities.sharpness),
        motion_px=(float(motion * np.sin(angle)), float(motion * np.cos(angle))),
        scatter=float(rng.uniform(0.05, 0.35)),
        grain=float(rng.uniform(0.0, 0.8)),
        saturated=quality.saturated_fraction(severities.exposure),
        bits=12 if subtracted else int(rng.choice([8, 10, 12])),
        relationship=scales[
            int(rng.choice(3, p=(0.75, 0.25, 0.0) if subtracted else (0.5, 0.2, 0.3)))
        ],
        gamma=float(rng.uniform(0.5, 0.9)),
        inverted=not subtracted and bool(rng.random() < 0.25),
    )


def burn_in(pixels: NDArray[np.uint16], rng: np.random.Generator, bits: int) -> None:
    """Sometimes write a line of text into a corner, as older systems do."""
    if rng.random() > 0.12:
        return
    unit = pixels.shape[0] / REFERENCE_SIDE
    text = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUW0123456789 :.-"), int(rng.integers(5, 18))))
    origin = (int(rng.uniform(5, 250) * unit), int(rng.choice([18, 36, 480, 500]) * unit))
    canvas = np.zeros(pixels.shape, np.uint8)
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * unit, 1, max(1, round(unit)))
    pixels[canvas > 0] = (1 << bits) - 1
