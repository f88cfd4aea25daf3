"""What sessions answered, as DICOM Structured Reports (TID 1500)."""

from sdk.structured_report.run_report import RunReport
from sdk.structured_report.volume_report import VolumeReport

__all__ = ["RunReport", "VolumeReport"]
