"""Colours of the brain's regions, the same in every picture."""

from sdk.pictures.lettering import Colour
from sdk.tasks.microbleeds import Region

REGION_COLOURS: dict[Region, Colour] = {
    Region.LOBAR: (255, 105, 90),
    Region.DEEP: (95, 215, 105),
    Region.INFRATENTORIAL: (95, 170, 255),
    Region.NONE: (235, 200, 60),
}
"""RGB; of NONE where the region was not asked for."""
DROPPED_COLOUR = (225, 130, 250)
