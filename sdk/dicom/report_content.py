"""What a structured report says, in groups of measurements."""

from dataclasses import dataclass

from sdk.dicom.codes import Code
from sdk.dicom.source import ImageReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """What measured."""

    name: str
    """Such as the task."""
    version: str
    """A release, or the hash of the model."""
    parameters: tuple[str, ...] = ()
    """How it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its unit."""

    name: Code
    """What was measured."""
    value: float
    """How much it is."""
    unit: Code
    """Of UCUM."""
    derivation: Code | None = None
    """How it comes from several, such as their mean; None: there is one."""
    image: ImageReference | None = None
    """On what it was measured; None: on the images of the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What was measured on one finding, or on frames that have something in common."""

    label: str
    """How people call it in this report."""
    finding: Code
    """What was looked at, or found."""
    site: Code | None = None
    """Where in the body."""
    region: Code | None = None
    """Where in that; for `site` only."""
    place_mm: tuple[float, float, float] | None = None
    """Its centre (x, y, z) in the patient; None: it has none."""
    images: tuple[ImageReference, ...] = ()
    """On what it was found; with a place, measurements name their image themselves."""
    measured: tuple[Measured, ...] = ()
    """Numbers."""
    evaluated: tuple[tuple[Code, Code], ...] = ()
    """Answers that are no numbers: question and answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """A whole report."""

    description: str
    """Of its series."""
    procedure: Code
    """What was done when the images were made."""
    algorithm: Algorithm
    """What measured."""
    groups: tuple[Group, ...]
    """One at least."""
    remarks: tuple[str, ...] = ()
    """What a reader should know, in sentences."""
    missing: str = ""
    """What has no answer, in up to 64 characters; empty: the report is complete."""
    frame_of_reference: str = ""
    """In which places are; empty where there are none."""
