"""Measurements as a DICOM Structured Report (TID 1500), written with highdicom."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from sdk.dicom import codes
from sdk.dicom.derived import IDENTITY, MAKER, add_series, of_the_source
from sdk.dicom.header import Header, foreign_errors, software_version
from sdk.dicom.report_content import Algorithm, Group, Measured, ReportContent
from sdk.files import write_whole

try:
    from highdicom import sr
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
except ImportError as error:
    from sdk.errors import DicomError

    raise DicomError(
        "structured reports need highdicom: pip install 'angioedge[reports]'"
    ) from error

UTF_8 = "ISO_IR 192"
NEEDED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
          "StudyID", "StudyDate", "StudyTime")  # fmt: skip
"""What highdicom asks of evidence, whatever the source has: that is taken over afterwards."""


def write_report(path: Path, sources: Sequence[Header], content: ReportContent) -> None:
    """Writes a report; what exists is replaced.

    With places it is a Comprehensive 3D SR, the plainest class that may hold points in space;
    without, a Comprehensive SR, which more viewers open. It is preliminary and unverified: no
    person has looked at it.

    Args:
        path: the file.
        sources: the headers of all images that it is about, of one study; patient and study are
            taken over from the first.
        content: what it says.

    Raises:
        DicomError: it cannot be written.
    """
    with foreign_errors(str(path), "the structured report could not be written"):
        dataset = _document(sources, content)
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        write_whole(path, file.getvalue())


def _document(sources: Sequence[Header], content: ReportContent) -> Dataset:
    own = of_the_source(sources[0])
    own.SpecificCharacterSet = UTF_8  # pydicom encodes the names of the source anew
    add_series(own, sources[0], "SR", content.description)
    own.InstanceCreationDate, own.InstanceCreationTime = own.ContentDate, own.ContentTime
    if content.missing:
        own.CompletionFlagDescription = content.missing
    kind = sr.Comprehensive3DSR if content.frame_of_reference else sr.ComprehensiveSR
    document: Dataset = kind(
        evidence=[_evidence(header) for header in sources],
        content=_report(content)[0],
        series_instance_uid=own.SeriesInstanceUID,
        series_number=1,
        sop_instance_uid=own.SOPInstanceUID,
        instance_number=1,
        is_complete=not content.missing,
        coding_schemes=_own_scheme(content),
    )
    document.update(own)
    return document


def _evidence(header: Header) -> Dataset:
    dataset = Dataset()
    for keyword in NEEDED:
        setattr(dataset, keyword, "")
    for keyword in IDENTITY:
        setattr(dataset, keyword, header.text(keyword))
    return dataset


def _own_scheme(content: ReportContent) -> list[Any] | None:
    if not any(group.region for group in content.groups):
        return None
    return [
        CodingSchemeIdentificationItem(
            designator=codes.PRIVATE, name=f"{MAKER} regions", responsible_organization=MAKER
        )
    ]


def _report(content: ReportContent) -> Any:
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer()),
        procedure_reported=_coded(content.procedure),
        imaging_measurements=[_group(group, content) for group in content.groups],
    )
    if content.remarks:  # the template has the container, highdicom has no parameter for it
        container = sr.ContainerContentItem(
            name=_coded(codes.QUALITATIVE), relationship_type="CONTAINS"
        )
        container.ContentSequence = sr.ContentSequence(map(_remark, content.remarks))
        report[0].ContentSequence.append(container)
    return report


def _observer() -> Any:
    """The software; the same release has the same identifier everywhere."""
    version = software_version()
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[MAKER, version]),
        name=f"{MAKER} {version}",
        manufacturer_name=MAKER,
        model_name=MAKER,
    )
    kind = sr.CodedConcept(value="121007", scheme_designator="DCM", meaning="Device")
    return sr.ObserverContext(observer_type=kind, observer_identifying_attributes=device)


def _remark(text: str) -> Any:
    return sr.TextContentItem(
        name=_coded(codes.COMMENT), value=" ".join(text.split()), relationship_type="CONTAINS"
    )


def _group(group: Group, content: ReportContent) -> Any:
    said: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(generate_uid(), group.label),
        "finding_type": _coded(group.finding),
        "finding_sites": [_site(group.site, group.region)] if group.site else None,
        "algorithm_id": _algorithm(content.algorithm),
        "measurements": [_measurement(one) for one in group.measured],
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(_coded(name), _coded(value)) for name, value in group.evaluated
        ],
    }
    if group.place_mm is None:
        images = [sr.SourceImageForMeasurementGroup(*_referred(one)) for one in group.images]
        return sr.MeasurementsAndQualitativeEvaluations(**said, source_images=images)
    point = sr.ImageRegion3D("POINT", np.array([group.place_mm]), content.frame_of_reference)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(**said, referenced_region=point)


def _algorithm(algorithm: Algorithm) -> Any:
    return sr.AlgorithmIdentification(
        name=algorithm.name,
        version=algorithm.version,
        parameters=list(algorithm.parameters),
        family=_coded(codes.ARTIFICIAL_INTELLIGENCE),
    )


def _site(site: codes.Code, region: codes.Code | None) -> Any:
    return sr.FindingSite(
        anatomic_location=_coded(site), topographical_modifier=_coded(region) if region else None
    )


def _measurement(measured: Measured) -> Any:
    image = measured.image
    return sr.Measurement(
        name=_coded(measured.name),
        value=measured.value,
        unit=_coded(measured.unit),
        derivation=_coded(measured.derivation) if measured.derivation else None,
        referenced_images=[sr.SourceImageForMeasurement(*_referred(image))] if image else None,
    )


def _referred(image: Any) -> tuple[str, str, list[int] | None]:
    return image.sop_class, image.sop_instance, list(image.frames) or None


def _coded(code: codes.Code) -> Any:
    value, scheme, meaning = code
    return sr.CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)
