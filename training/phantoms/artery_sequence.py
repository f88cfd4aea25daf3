"""Phantom DSA sequences: the arterial phase at a few frames per second, no frame shows it all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.phantoms.run import Defect, PhantomRun, RunOptions, phantom_run
from training.phantoms.texture import REFERENCE_SIDE

FRAMES = (4, 14)
"""Fewest and most frames with contrast, as in the curated sequences of DIAS."""
MASK_FRAMES = 2
"""Frames before the contrast; the first is the one that is subtracted."""
FRAME_TIME_MS = 250.0
LEAST_SHARE = 0.1
"""A sequence ends with the last frame that shows this much of its fullest frame."""
MOTION_SHARE = 0.6
"""Part of the sequences in which the patient moves, for a while or for good."""
MOTION = (0.15, 0.7)
"""Range of the severity of the movement."""
NOISE = (0.3, 1.0)
"""Range of the severity of the noise, the same in every frame."""
VENOUS_SHARE = 0.6
"""Part of the sequences in which capillaries and veins begin to fill before the end."""


def phantom_sequence(seed: int, size: int = REFERENCE_SIDE) -> PhantomRun:
    """One arterial phase of size x size frames, the same for the same arguments.

    The bolus is short: proximal arteries begin to empty while distal ones still fill, so that the
    union over the frames is more than any single frame shows. Tissue blushes and veins fill late in
    many sequences, as an imperfect selection of the arterial phase leaves them: no artery, but as
    dark, so that only the course of time tells. So does the residual of bones after a movement.
    """
    rng = np.random.default_rng([seed, 0x5E])
    frames = MASK_FRAMES + int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    defects = [Defect(axis="noise", severity=float(rng.uniform(*NOISE)), first=0.0, last=1.0)]
    if rng.random() < MOTION_SHARE:
        first, last = np.sort(rng.uniform(0.2, 1.3, 2)).tolist()
        severity = float(rng.uniform(*MOTION))
        defects.append(Defect(axis="motion", severity=severity, first=first, last=last))
    delay = float(rng.uniform(-0.25, 0.1)) if rng.random() < VENOUS_SHARE else None
    options = RunOptions(
        mask_frames=MASK_FRAMES,
        frame_time_ms=FRAME_TIME_MS,
        arrival_share=float(rng.uniform(0.4, 0.8)),
        plateau_share=float(rng.uniform(0.1, 0.4)),
        defects=tuple(defects),
        cerebral=True,
        venous_delay_share=delay,
    )
    return _curated(phantom_run(seed, frames, size, options))


def _curated(run: PhantomRun) -> PhantomRun:
    """Without the last frames, in which nearly all of the contrast has left the arteries."""
    areas = run.vessels.sum((1, 2))
    last = int(np.flatnonzero(areas >= LEAST_SHARE * areas.max())[-1]) + 1
    return replace(
        run,
        pixels=run.pixels[:last],
        vessels=run.vessels[:last],
        severities=run.severities[:last],
        grades=run.grades[:last],
    )
