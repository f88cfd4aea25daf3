"""DICOM in and out; nothing above this floor knows pydicom, and it is imported when it is used."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdk.dicom.xa import XaRun

__all__ = ["INDEX", "read_xa"]

INDEX = "DICOMDIR"
"""Name of the file that lists what an export holds; some systems write it in small letters."""


def read_xa(path: str | Path, *, subtract: bool = True) -> "XaRun":
    """Opens an XA or RF run, see `sdk.dicom.xa.read_xa`.

    Raises:
        DicomError: the file is not such an image, is damaged, or contradicts itself.
    """
    from sdk.dicom import xa

    return xa.read_xa(path, subtract=subtract)
