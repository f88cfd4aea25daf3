"""Quality axes, severities and grades: the worst axis decides."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

GOOD, ACCEPTABLE, POOR = 2, 1, 0
UNGRADED = -1
"""Stands for a frame of a run whose worst severity lies between two grades."""
INTERVALS = {GOOD: (0.0, 0.28), ACCEPTABLE: (0.36, 0.60), POOR: (0.70, 1.0)}
"""Worst severity of each grade; what lies between two intervals is never generated."""
DRAWN = {GOOD: (0.0, 0.22), ACCEPTABLE: (0.42, 0.56), POOR: (0.78, 1.0)}
"""The part of each interval that frames are drawn from: clear cases, none near a border."""
DECIDERS = (0.05, 0.05, 0.24, 0.26, 0.20, 0.10, 0.10)
"""How often each axis decides the grade, in the order of the fields of `Severities`."""
COMPANION_RATE = 0.25
"""Probability that an axis which does not decide the grade is impaired at all."""
COMPANION_LIMIT = 0.5
"""Companions stay below this fraction of the upper end of the interval."""


@dataclass(frozen=True, kw_only=True)
class Severities:
    """Severity of each quality axis, from 0 (none) to 1."""

    density: float = 0.0
    """Too little iodine everywhere."""
    filling: float = 0.0
    """Contrast has not reached the distal vessels."""
    motion: float = 0.0
    """Mask and frame do not match; without subtraction, motion blur."""
    noise: float = 0.0
    """Too few quanta."""
    sharpness: float = 0.0
    """Focal spot and detector blur."""
    collimation: float = 0.0
    """Blades hide part of the territory."""
    exposure: float = 0.0
    """Saturated detector."""

    @property
    def worst(self) -> float:
        """Largest severity of all axes."""
        return max(self.as_tuple())

    @property
    def grade(self) -> int:
        """Grade of the worst axis.

        Raises:
            ValueError: the worst severity lies in a gap between two grades.
        """
        if self.grade_or_ungraded != UNGRADED:
            return self.grade_or_ungraded
        message = (
            f"expected the worst severity inside one of {sorted(INTERVALS.values())}, got "
            f"{self.worst:.3f}, which lies in a gap; draw severities with draw_severities"
        )
        raise ValueError(message)

    @property
    def grade_or_ungraded(self) -> int:
        """Grade of the worst axis, or `UNGRADED` in a gap between two grades."""
        for grade, (low, high) in INTERVALS.items():
            if low <= self.worst <= high:
                return grade
        return UNGRADED

    @property
    def deciding_axis(self) -> str:
        """Name of the axis with the largest severity."""
        return AXES[int(np.argmax(self.as_tuple()))]

    def as_tuple(self) -> tuple[float, ...]:
        """Severities in the order of `AXES`."""
        return tuple(getattr(self, name) for name in AXES)


AXES = tuple(entry.name for entry in fields(Severities))
"""Names of the axes in their order."""


def draw_severities(rng: np.random.Generator, grade: int) -> Severities:
    """Severities of one frame: one axis drawn from the grade's interval, companions below it.

    Raises:
        ValueError: there is no such grade.
    """
    if grade not in INTERVALS:
        message = f"expected a grade among {sorted(INTERVALS)}, got {grade}"
        raise ValueError(message)
    low, high = DRAWN[grade]
    present = rng.random(len(AXES)) < COMPANION_RATE
    companions = rng.uniform(0.0, COMPANION_LIMIT * high, len(AXES)) * present
    severities = Severities(**dict(zip(AXES, companions.tolist(), strict=True)))
    decider = AXES[int(rng.choice(len(AXES), p=DECIDERS))]
    lowest = max(low, severities.worst)
    return replace(severities, **{decider: float(rng.uniform(lowest, high))})


# Effects grow by a constant factor per step of severity: a grade is a step that the eye can see.


def iodine_fraction(severity: float) -> float:
    """Iodine concentration as a fraction of the full one: 1 to 0.25."""
    return float(0.25**severity)


def front_reach(severity: float) -> float:
    """Fraction of the longest way that the contrast has travelled: beyond the tips to 0.35."""
    return 1.05 - 0.7 * severity


def residual_share(severity: float) -> float:
    """What a displaced mask leaves of the patient, of the range of the vessels: 0, 0.013 to 0.2."""
    return float(0.013 * 15.0**severity) if severity > 0 else 0.0


def motion_blur_px(severity: float) -> float:
    """Way of the anatomy during one exposure in pixels of the reference frame: 0, 1.7 to 14.

    A smear as wide, by its standard deviation, as the point spread of the same severity.
    """
    return float(np.sqrt(12.0)) * blur_px(severity) if severity > 0 else 0.0


def noise_share(severity: float) -> float:
    """Deviation of the noise as a fraction of the range that the frame shows: 0.012 to 0.13."""
    return float(0.012 * 11.0**severity)


def blur_px(severity: float) -> float:
    """Deviation of the point spread in pixels of the reference frame: 0.5 to 4."""
    return float(0.5 * 8.0**severity)


def hidden_fraction(severity: float) -> float:
    """Part of the side of the frame that blades hide: 0 to 0.55."""
    return 0.55 * severity


def saturated_fraction(severity: float) -> float:
    """Part of the field of view at the end of the detector's range: 0 to 0.5."""
    return 0.5 * severity**2
