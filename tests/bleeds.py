"""Findings of made-up subjects: candidates at four places, of which the first are bleeds."""

import numpy as np

from calibration.volumes.findings import Finding
from sdk import Microbleed, Region

PLACES = [(10.0, 20.0, 20.0), (10.0, 60.0, 20.0), (10.0, 20.0, 60.0), (10.0, 60.0, 60.0)]


def bleed(place, score, region=Region.LOBAR):
    return Microbleed(
        voxel=place, centre_mm=place, patient_mm=place, diameter_mm=5.0, score=score, region=region
    )


def finding(*scores, lesions=2, uncertain=(), **changes):
    """Candidates at `PLACES` with these scores; the first `lesions` of the places are bleeds."""
    found = [bleed(place, score, **changes) for place, score in zip(PLACES, scores, strict=False)]
    return Finding(
        found=tuple(sorted(found, key=lambda item: -item.score)),
        lesions=np.array([(*place, 5.0) for place in PLACES[:lesions]]).reshape(-1, 4),
        uncertain=np.array([(*PLACES[index], 5.0) for index in uncertain]).reshape(-1, 4),
        spacing_mm=(1.0, 1.0, 1.0),
    )
