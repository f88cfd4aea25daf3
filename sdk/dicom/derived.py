"""What a file that is derived from others takes over from them, and says of itself."""

from contextlib import suppress
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from sdk.dicom.header import Header, software_version
from sdk.errors import DicomError

OF_THE_SOURCE = {
    "SpecificCharacterSet": False,
    "PatientName": True,
    "PatientID": True,
    "IssuerOfPatientID": False,
    "PatientBirthDate": True,
    "PatientSex": True,
    "StudyInstanceUID": True,
    "StudyDate": True,
    "StudyTime": True,
    "ReferringPhysicianName": True,
    "StudyID": True,
    "AccessionNumber": True,
    "StudyDescription": False,
    "TimezoneOffsetFromUTC": False,
}
"""Attribute that is taken over from the source -> whether it is written if that is empty."""
IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
MOST_IN_IS = 2**31
MAKER = "AngioEdge"


def check_identity(header: Header) -> None:
    """Refuses a file that nothing can refer to.

    Raises:
        DicomError: it does not say which study, series and object it is.
    """
    for keyword in IDENTITY:
        if not header.text(keyword):
            header.refuse(keyword, "is missing", "nothing can refer to such a file")


def of_the_source(header: Header) -> Dataset:
    """Patient and study, as the source has them."""
    dataset = Dataset()
    for keyword, always in OF_THE_SOURCE.items():
        if header.dataset.get(keyword) not in (None, ""):
            dataset[keyword] = header.dataset[keyword]
        elif always:
            setattr(dataset, keyword, "")
    return dataset


def add_series(dataset: Dataset, header: Header, modality: str, description: str) -> None:
    """Makes it the one object of a new series, made by this SDK now.

    Segmentations and reports of one series have numbers of their own.
    """
    now = _now(header)
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.InstanceNumber = modality, 1
    last = {"SEG": 1, "SR": 2}[modality]
    number = 100 * max(0, header.integer("SeriesNumber", 0)) + last
    dataset.SeriesNumber = number if number < MOST_IN_IS else last
    dataset.SeriesDescription = description[:64]
    dataset.ContentDate, dataset.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.Manufacturer = dataset.ManufacturerModelName = MAKER
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "none", software_version()


def check_text(name: str, text: str, least: int, most: int) -> None:
    """Refuses what does not fit its element in any character set.

    Raises:
        DicomError: it is too short or long, or not of plain characters.
    """
    plain = text.isascii() and (text.isprintable() or not text) and "\\" not in text
    if not plain or not least <= len(text) <= most:
        raise DicomError(
            f"{name} must be {least} to {most} printable ASCII characters without a backslash, got "
            f"{text!r}"
        )


def _now(header: Header) -> datetime:
    """In the zone of the source, which holds for all times of a file; else in the local one."""
    with suppress(ValueError):
        zone = datetime.strptime(header.text("TimezoneOffsetFromUTC"), "%z").tzinfo
        return datetime.now(tz=zone)
    return datetime.now().astimezone()
