"""A phantom run: the contrast bolus through one scene, with stepped defects at known frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from training.phantoms import dose, misregistration, quality
from training.phantoms.angiogram import Scene, draw_field_of_view, draw_scene
from training.phantoms.bolus import Bolus
from training.phantoms.detector import Detector, expose, full_scale, store
from training.phantoms.quality import Severities
from training.phantoms.texture import REFERENCE_SIDE, Image
from training.phantoms.venous import VenousReturn, venous_return

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFERENCE_SPACING_MM = 0.28
"""Pixel spacing of a frame of the reference side: a field of view of 143 mm."""
HEADROOM = 1.6
"""The detector's range ends this factor above the brightest primary ray: scatter adds to it."""
STORAGE = Detector(relative_noise=0.0, blur_px=0.5, grain=0.4)
"""Grey scale of a run: LIN, 12 bits."""
AT_BEST = Severities(noise=0.15, sharpness=0.1)
"""Severities of a frame of a run without a defect."""
SEEN = 0.5
"""A vessel counts as seen in a frame once it holds this fraction of the full iodine."""


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One impairment during a part of a run."""

    axis: str
    """`noise` (low dose) or `motion` (the patient moved and moves), an axis of `Severities`."""
    severity: float
    """How bad, from 0 to 1."""
    first: float
    """Begin as a fraction of the run."""
    last: float
    """End as a fraction of the run, exclusive."""


DEFECTS = (
    Defect(axis="noise", severity=0.50, first=0.50, last=0.56),
    Defect(axis="noise", severity=0.90, first=0.56, last=0.62),
    Defect(axis="motion", severity=0.50, first=0.68, last=0.74),
    Defect(axis="motion", severity=0.85, first=0.74, last=0.80),
)
"""A dose that falls in two steps, then a patient who moves in two steps."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Course of a run."""

    mask_frames: int = 2
    """Frames before the contrast arrives."""
    frame_time_ms: float = 133.0
    """Time from frame to frame."""
    arrival_share: float = 0.35
    """Part of the run in which the contrast travels from the root to the farthest tip."""
    plateau_share: float = 0.8
    """Part of the run for which one point of a vessel stays filled before it washes out."""
    defects: tuple[Defect, ...] = DEFECTS
    """Impairments; where several overlap, all act."""
    cerebral: bool | None = None
    """A head, a heart, or either at random."""
    venous_delay_share: float | None = None
    """Part of the run between the farthest artery and the first vein; none without veins."""


@dataclass(frozen=True, kw_only=True)
class PhantomRun:
    """A native LIN run and the truth about every frame."""

    pixels: NDArray[np.uint16]
    """(T, rows, columns) stored values, 12 bits."""
    vessels: NDArray[np.uint8]
    """(T, rows, columns) 1 where a vessel holds enough iodine to be seen in this frame."""
    tree: NDArray[np.uint8]
    """(rows, columns) 1 inside any vessel of the tree, at rest."""
    severities: tuple[Severities, ...]
    """Severities of each frame."""
    grades: NDArray[np.int64]
    """(T,) 2 good, 1 acceptable, 0 poor, -1 between two grades."""
    mask_frames: int
    """The first frames, without contrast."""
    frame_time_ms: float
    """Time from frame to frame."""
    pixel_spacing_mm: tuple[float, float]
    """Distance of neighbouring rows and columns in the plane of the vessels."""


def phantom_run(
    seed: int, frames: int = 40, size: int = REFERENCE_SIDE, options: RunOptions | None = None
) -> PhantomRun:
    """One run of size x size frames, the same for the same arguments.

    Raises:
        ValueError: the run is not longer than its mask.
    """
    options = options or RunOptions()
    _check_length(frames, options.mask_frames)
    rng = np.random.default_rng([seed, 0x40])
    scene = draw_scene(rng, size, cerebral=options.cerebral)
    window = draw_field_of_view(rng, 0.0).window(size)
    course = _course(scene, _bolus(frames, options), direction=float(rng.uniform(0, 2 * np.pi)))
    course = course.followed(np.random.default_rng([seed, 0x7E]), frames, options)
    times = [index * options.frame_time_ms for index in range(frames)]
    severities = tuple(
        course.severities(time_ms, _defects(index / frames, options.defects))
        for index, time_ms in enumerate(times)
    )
    scale = full_scale(np.exp(-scene.depth(0.0)), window, 0.0) * HEADROOM
    shown = [
        (store(course.beam(time_ms, impaired, rng), window, scale, STORAGE), seen)
        for time_ms, impaired in zip(times, severities, strict=True)
        for seen in [course.seen(time_ms, impaired) * (window > 0.5)]
    ]
    return PhantomRun(
        pixels=np.stack([pixels for pixels, _ in shown]),
        vessels=np.stack([seen for _, seen in shown]).astype(np.uint8),
        tree=scene.vessels.truth * (window > 0.5).astype(np.uint8),
        severities=severities,
        grades=np.array([entry.grade_or_ungraded for entry in severities]),
        mask_frames=options.mask_frames,
        frame_time_ms=options.frame_time_ms,
        pixel_spacing_mm=(REFERENCE_SPACING_MM * REFERENCE_SIDE / size,) * 2,
    )


def _check_length(frames: int, mask_frames: int) -> None:
    if frames <= mask_frames:
        message = (
            f"expected more frames than the {mask_frames} of the mask, got {frames}; "
            "ask for a longer run"
        )
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class _Course:
    """A scene in time."""

    scene: Scene
    bolus: Bolus
    direction: float
    least_noise: float
    shift_per_share: float
    venous: VenousReturn | None = None

    def followed(self, rng: np.random.Generator, frames: int, options: RunOptions) -> _Course:
        """The same with tissue and veins behind the arteries, where the options have them."""
        if options.venous_delay_share is None:
            return self
        delay_ms = options.venous_delay_share * frames * options.frame_time_ms
        return replace(self, venous=venous_return(rng, self.scene.vessels, self.bolus, delay_ms))

    def severities(self, time_ms: float, defects: dict[str, float]) -> Severities:
        """What the bolus and the defects make of a frame."""
        reach = (time_ms - self.bolus.start_ms) / self.bolus.transit_ms
        root = float(self.bolus.filling(np.zeros((1, 1), np.float32), time_ms)[0, 0])
        arrived = reach > 0.5
        density = np.log(max(root, 1e-3)) / np.log(quality.iodine_fraction(1.0)) if arrived else 0.0
        return replace(
            AT_BEST,
            filling=float(np.clip((1.05 - reach) / 0.7, 0.0, 1.0)),
            density=float(np.clip(density, 0.0, 1.0)),
            **defects,
        )

    def beam(self, time_ms: float, impaired: Severities, rng: np.random.Generator) -> Image:
        """Intensity on the detector."""
        depth = self.scene.depth(self.bolus.filling(self.scene.vessels.arrival, time_ms))
        if self.venous is not None:
            depth = depth + self.scene.iodine * self.venous.thickness(time_ms)
        way = quality.motion_blur_px(impaired.motion) / 2
        detector = replace(
            STORAGE,
            relative_noise=self._noise(impaired.noise),
            blur_px=quality.blur_px(impaired.sharpness),
            motion_px=(way * np.sin(self.direction), way * np.cos(self.direction)),
        )
        return expose(self._moved(depth, impaired.motion), detector, rng)

    def seen(self, time_ms: float, impaired: Severities) -> NDArray[np.uint8]:
        """Vessels with enough iodine, where they are at that time."""
        filling = self.bolus.filling(self.scene.vessels.arrival, time_ms)
        seen = (self.scene.vessels.truth > 0) & (filling > SEEN)
        return (self._moved(seen.astype(np.float32), impaired.motion) > 0.5).astype(np.uint8)

    def _noise(self, severity: float) -> float:
        """Noise that makes the difference from the mask, which has the least noise, as bad."""
        ratio = quality.noise_share(severity) / quality.noise_share(AT_BEST.noise)
        return self.least_noise * float(np.sqrt(max(2.0 * ratio**2 - 1.0, 0.0)))

    def _moved(self, layer: Image, motion: float) -> Image:
        if motion <= 0.0:
            return layer
        way = misregistration.shift_px(motion, self.shift_per_share)
        return misregistration.displaced(layer, way, self.direction)


def _course(scene: Scene, bolus: Bolus, direction: float) -> _Course:
    """Dose and movement by what they do to the picture of this scene; runs are seen subtracted.

    Pictures are judged at the reference side: a finer frame is averaged down, and so is its noise.
    """
    patient, filled = scene.depth(0.0), scene.depth(1.0)
    best = quality.noise_share(AT_BEST.noise) * len(patient) / REFERENCE_SIDE
    return _Course(
        scene=scene,
        bolus=bolus,
        direction=direction,
        least_noise=dose.relative_noise(best, filled, filled - patient, STORAGE),
        shift_per_share=misregistration.shift_per_share(patient, filled - patient, direction),
    )


def _bolus(frames: int, options: RunOptions) -> Bolus:
    """Arrival after the mask, wash-out at the end, both in proportion to the run."""
    duration = frames * options.frame_time_ms
    return Bolus(
        start_ms=options.mask_frames * options.frame_time_ms,
        transit_ms=options.arrival_share * duration,
        rise_ms=0.03 * duration,
        plateau_ms=options.plateau_share * duration,
        washout_ms=0.15 * duration,
    )


def _defects(moment: float, defects: tuple[Defect, ...]) -> dict[str, float]:
    """Severity of each axis impaired at a moment, given as a fraction of the run."""
    active = [defect for defect in defects if defect.first <= moment < defect.last]
    return {defect.axis: defect.severity for defect in active}
