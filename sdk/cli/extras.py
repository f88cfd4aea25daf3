"""What ``angioedge run`` writes beside its record of the answers."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What the command line asks for."""

    pictures: bool = True
    """Of frames a video, a contact sheet and a timeline; of volumes views and an overview."""
    whole_regions: bool = False
    """Of volumes the label volume of the whole brain."""
    segmentation: bool = False
    """The masks of a run as a DICOM Segmentation."""
    structured_report: bool = False
    """The measurements as a DICOM Structured Report."""
