"""The displacement of a mask that leaves a given residual of the patient in the picture."""

from __future__ import annotations

import numpy as np

from training.phantoms import quality
from training.phantoms.anatomy import displace
from training.phantoms.texture import REFERENCE_SIDE, Image

TRIAL_PX = 2.0
"""Displacement that is tried, in pixels of the reference frame."""
STRONG = 95
"""Percentile of the residual's magnitude that counts as its strength."""
SHOWN = (1, 99)
"""Percentiles of the optical depth of the vessels, over the whole frame, that a picture shows."""
MOST_PX = 14.0
"""Longest displacement: a patient without edges leaves little behind however far he moves."""
TURN_DEG_PER_PX = 0.06
"""A patient who moves turns as well."""


def displaced(layer: Image, shift_px: float, direction: float) -> Image:
    """A layer after the patient moved by pixels of the reference frame; `direction` in radians."""
    way = shift_px * layer.shape[0] / REFERENCE_SIDE
    shift = (way * float(np.sin(direction)), way * float(np.cos(direction)))
    return displace(layer, shift, TURN_DEG_PER_PX * shift_px)


def shift_per_share(patient: Image, blood: Image, direction: float) -> float:
    """Pixels of the reference frame per residual as large as the range that the vessels span.

    Args:
        patient: optical depth of all that is also in the mask.
        blood: optical depth of the completely filled vessels.
        direction: of the movement, in radians.
    """
    residual = np.abs(displaced(patient, TRIAL_PX, direction) - patient)
    strength = float(np.percentile(residual, STRONG)) / TRIAL_PX
    low, high = np.percentile(blood, SHOWN)
    return float(high - low) / max(strength, 1e-6)


def shift_px(severity: float, per_share: float) -> float:
    """Displacement in pixels of the reference frame for a severity of the axis `motion`."""
    return min(MOST_PX, quality.residual_share(severity) * per_share)


def moved(patient: Image, blood: Image, severity: float, direction: float) -> Image:
    """The patient where the mask was taken; the arguments are those of the functions above."""
    way = shift_px(severity, shift_per_share(patient, blood, direction))
    return displaced(patient, way, direction)
