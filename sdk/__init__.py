"""Per-frame inference for angiography scanners."""

from sdk.backends import ReplayBackend
from sdk.dicom import read_xa
from sdk.errors import (
    AngioEdgeError,
    BackendError,
    DicomError,
    FrameError,
    ModelFolderError,
    SessionError,
    VolumeError,
)
from sdk.frame import Frame, Intensity, Mask
from sdk.geometry import Placement
from sdk.outcome import Outcome, Status
from sdk.session import Session
from sdk.subtraction import MaskOperation, MaskSubtraction, Subtractor
from sdk.tasks import AngiogramQuality, Grade, QualityAnswer, Segmentation, Vessels
from sdk.volume import Volume

__all__ = [
    "AngioEdgeError",
    "AngiogramQuality",
    "BackendError",
    "DicomError",
    "Frame",
    "FrameError",
    "Grade",
    "Intensity",
    "Mask",
    "MaskOperation",
    "MaskSubtraction",
    "ModelFolderError",
    "Outcome",
    "Placement",
    "QualityAnswer",
    "ReplayBackend",
    "Segmentation",
    "Session",
    "SessionError",
    "Status",
    "Subtractor",
    "Vessels",
    "Volume",
    "VolumeError",
    "read_xa",
]
