"""What follows the arteries in a run: the blush of the capillaries, then the veins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from training.phantoms.projection import VesselLayer, project
from training.phantoms.texture import REFERENCE_SIDE, Image, blur
from training.phantoms.vessel_tree import cerebral_tree

if TYPE_CHECKING:
    from training.phantoms.bolus import Bolus

BLUSH_GRAIN = 28.0
"""Deviation in pixels of the reference frame by which tissue spreads the blood of its arteries."""
BLUSH = (0.04, 0.2)
"""Range of the iodine in tissue, as a fraction of that in the thickest artery."""
DILUTED = (0.35, 0.8)
"""Range of the iodine in veins as a fraction of that in arteries."""
SLOWER = 2.0
"""Veins fill and empty this many times as slowly."""


@dataclass(frozen=True, kw_only=True)
class VenousReturn:
    """Blood behind the arteries; none of it is an artery."""

    veins: VesselLayer
    """Veins; their arrival begins at the tips."""
    dilution: float
    """Iodine in veins as a fraction of that in arteries."""
    blush: Image
    """Thickness of blood in tissue, in pixels."""
    bolus: Bolus
    """Course of the contrast in the veins."""

    def thickness(self, time_ms: float) -> Image:
        """Thickness in pixels of arterial blood with as much iodine, at a time of the run."""
        veins = self.veins.thickness * self.bolus.filling(self.veins.arrival, time_ms)
        tissue = self.bolus.filling(np.zeros((1, 1), np.float32), time_ms)
        return np.asarray(self.dilution * veins + self.blush * tissue, np.float32)


def venous_return(
    rng: np.random.Generator, arteries: VesselLayer, bolus: Bolus, delay_ms: float
) -> VenousReturn:
    """Veins that begin to fill `delay_ms` after the farthest artery was reached.

    A venous tree is an arterial one upside down through which blood flows from the tips to the
    root: no more is known of it here.
    """
    size = len(arteries.thickness)
    branches = [
        replace(branch, points=np.array([size, 0.0]) + branch.points * np.array([-1.0, 1.0]))
        for branch in cerebral_tree(rng, size, float(rng.uniform(0.9, 1.4)))
    ]
    layer = project(branches, size)
    tissue = blur(arteries.thickness, BLUSH_GRAIN * size / REFERENCE_SIDE)
    most = float(rng.uniform(*BLUSH)) * float(arteries.thickness.max())
    return VenousReturn(
        veins=replace(layer, arrival=1.0 - layer.arrival),
        dilution=float(rng.uniform(*DILUTED)),
        blush=np.asarray(tissue * (most / max(float(tissue.max()), 1e-6)), np.float32),
        bolus=replace(
            bolus,
            start_ms=bolus.start_ms + bolus.transit_ms + delay_ms,
            rise_ms=SLOWER * bolus.rise_ms,
            plateau_ms=SLOWER * bolus.plateau_ms,
            washout_ms=SLOWER * bolus.washout_ms,
        ),
    )
