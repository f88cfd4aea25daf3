"""Colours and counts of the brain's regions, the same in every picture and table."""

from collections.abc import Iterable

from sdk.pictures.lettering import Colour
from sdk.tasks.microbleeds import Dropped, DroppedCandidate, Microbleed, Region

REGION_COLOURS: dict[Region, Colour] = {
    Region.LOBAR: (255, 105, 90),
    Region.DEEP: (95, 215, 105),
    Region.INFRATENTORIAL: (95, 170, 255),
    Region.NONE: (235, 200, 60),
}
"""RGB; of NONE where the region was not asked for."""
DROPPED_COLOUR = (170, 170, 170)
OVERRULED = (Dropped.SUPPRESSED, Dropped.TOO_MANY)
"""Dropped beside a better candidate; the others are dropped for the place where they lie."""


def count_by_region(bleeds: Iterable[Microbleed]) -> dict[Region, int]:
    """How many lie in each region, in the order of the regions; none is left out but NONE."""
    regions = [bleed.region for bleed in bleeds]
    counts = {region: regions.count(region) for region in REGION_COLOURS}
    return {region: n for region, n in counts.items() if n or region is not Region.NONE}


def misplaced(dropped: Iterable[DroppedCandidate]) -> list[DroppedCandidate]:
    """Candidates that fell for the place where they lie."""
    return [entry for entry in dropped if entry.reason not in OVERRULED]
