"""DICOM in and out; nothing above this floor knows pydicom."""

from sdk.dicom.shutter import Shutter
from sdk.dicom.spacing import SpacingOrigin
from sdk.dicom.write_xa import TransferSyntax, XaInfo, write_xa
from sdk.dicom.xa import XaRun, read_xa

__all__ = [
    "Shutter",
    "SpacingOrigin",
    "TransferSyntax",
    "XaInfo",
    "XaRun",
    "read_xa",
    "write_xa",
]
