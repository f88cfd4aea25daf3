"""The dose that makes noise a given fraction of what the picture shows, whatever it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.phantoms.detector import LOG_STEEPNESS, Detector

if TYPE_CHECKING:
    from training.phantoms.texture import Image

Samples = NDArray[np.float64]

STEP = 6
"""Pixels between the samples that the range is measured on."""
TRIAL = 0.01
"""Relative deviation of the noise that is tried."""
MOST = 0.3
"""Highest relative deviation that a detector delivers a picture with."""


def relative_noise(share: float, depth: Image, blood: Image | None, detector: Detector) -> float:
    """Relative deviation at mean exposure for noise of `share` of the range, 1 % to 99 %.

    Args:
        share: deviation of the noise in the shown picture over the range of what is shown.
        depth: optical depth of everything in the beam.
        blood: optical depth of the contrast alone if the picture is subtracted, else None.
        detector: gives the grey scale.
    """
    sampled = np.asarray(depth[::STEP, ::STEP], np.float64)
    beam = np.exp(-sampled) * (1.0 + detector.scatter)
    if blood is not None and detector.relationship == "LIN":
        detector = replace(detector, relationship="LOG")
    shown = _grey(beam, detector)
    clean = shown
    if blood is not None:
        clean = shown - _grey(beam * np.exp(blood[::STEP, ::STEP]), detector)
    noise = np.random.default_rng(0).standard_normal(beam.shape)
    tried = _grey(beam + TRIAL * np.sqrt(beam * beam.mean()) * noise, detector) - shown
    deviation = float(tried.std()) * (1.0 if blood is None else np.sqrt(2.0))
    low, high = np.percentile(clean, (1, 99))
    return min(MOST, share * float(high - low) * TRIAL / max(deviation, 1e-9))


def _grey(beam: Samples, detector: Detector) -> Samples:
    """What a beam is stored as, up to a factor."""
    fraction = np.maximum(beam, 1e-6)
    if detector.relationship == "LOG":
        return np.asarray(np.log1p(LOG_STEEPNESS * fraction))
    if detector.relationship == "DISP":
        return np.asarray(fraction**detector.gamma)
    return np.asarray(fraction)
