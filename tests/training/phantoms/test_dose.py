"""The dose gives the noise that was asked for in the picture that is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.phantoms.detector import Detector, expose, full_scale, store
from training.phantoms.dose import relative_noise

SIZE = 256


@pytest.mark.parametrize("relationship", ["LIN", "LOG"])
@pytest.mark.parametrize("subtracted", [False, True])
def test_noise_is_the_share_of_the_range(relationship, *, subtracted: bool) -> None:
    share = 0.05
    depth = np.tile(np.linspace(0.5, 1.5, SIZE, dtype=np.float32), (SIZE, 1))
    blood = np.zeros_like(depth)
    blood[100:140] = 0.6
    detector = Detector(
        relative_noise=0.0, blur_px=0.0, scatter=0.0, grain=0.0, relationship=relationship
    )
    noise = relative_noise(share, depth + blood, blood if subtracted else None, detector)
    shown = [shown_picture(depth, blood, detector, relative, subtracted) for relative in (0, noise)]
    low, high = np.percentile(shown[0], [1, 99])
    assert (shown[1] - shown[0]).std() / (high - low) == pytest.approx(share, rel=0.3)


def shown_picture(depth, blood, detector, relative, subtracted):
    """What the network sees before its range is scaled."""
    detector = replace(detector, relative_noise=relative)
    rng, window = np.random.default_rng(1), np.ones_like(depth)
    scale = full_scale(np.exp(-depth), window, 0.0) * 1.5
    frame, mask = (
        store(expose(layer, detector, rng), window, scale, detector)
        for layer in (depth + blood, depth)
    )
    if not subtracted:
        return frame.astype(float)
    if detector.relationship == "LIN":
        frame, mask = np.log1p(frame), np.log1p(mask)
    return frame.astype(float) - mask
