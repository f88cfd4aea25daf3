"""Pictures of a run's outcomes, for people who would rather look."""

from sdk.pictures.album import Album
from sdk.pictures.contact_sheet import draw_contact_sheet
from sdk.pictures.timeline import draw_timeline
from sdk.pictures.video import write_video

__all__ = ["Album", "draw_contact_sheet", "draw_timeline", "write_video"]
