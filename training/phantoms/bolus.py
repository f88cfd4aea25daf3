"""The contrast bolus: when the iodine reaches a vessel, how much of it, and when it washes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from training.phantoms.texture import Image

DISTAL_FILLING = 0.2
"""Dispersed contrast runs ahead: beyond the front a vessel is filled to this fraction."""


@dataclass(frozen=True, kw_only=True)
class Bolus:
    """Time course of the injection; times in ms from the first frame."""

    start_ms: float
    """When the contrast enters the root of the tree."""
    transit_ms: float
    """How long it travels to the farthest tip."""
    rise_ms: float = 120.0
    """How long one point of a vessel takes to fill."""
    plateau_ms: float = 1500.0
    """How long it stays filled before it washes out."""
    washout_ms: float = 700.0
    """Time constant of the wash-out."""

    def filling(self, arrival: Image, time_ms: float) -> Image:
        """Iodine per pixel as a fraction of the full concentration, at a time of the run."""
        age = time_ms - self.start_ms - arrival * self.transit_ms
        rise = _logistic(age / self.rise_ms * 4.0 - 2.0)
        washout = np.exp(-np.maximum(age - self.plateau_ms, 0.0) / self.washout_ms)
        return np.asarray(rise * washout, np.float32)


def front(arrival: Image, reach: float, width: float = 0.03) -> Image:
    """Filling behind a soft front that got as far as the fraction `reach` of the longest way."""
    behind = _logistic((reach - arrival) / width)
    return np.asarray(DISTAL_FILLING + (1.0 - DISTAL_FILLING) * behind, np.float32)


def _logistic(x: Image) -> Image:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0))), np.float32)
