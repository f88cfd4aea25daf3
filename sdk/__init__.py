"""Per-frame inference for angiography scanners."""

from sdk.acceptance import TensorRT
from sdk.backends import ReplayBackend
from sdk.dicom import read_xa
from sdk.errors import (
    AngioEdgeError,
    BackendError,
    DicomError,
    EngineError,
    FrameError,
    ModelFolderError,
    SessionError,
)
from sdk.frame import Frame, Intensity, Mask
from sdk.geometry import Placement
from sdk.outcome import Outcome, Status
from sdk.session import Session
from sdk.subtraction import MaskOperation, MaskSubtraction, Subtractor
from sdk.tasks import (
    AngiogramQuality,
    ArteryAnswer,
    ArterySequence,
    Grade,
    QualityAnswer,
    Segmentation,
    Vessels,
)

__all__ = [
    "AngioEdgeError",
    "AngiogramQuality",
    "ArteryAnswer",
    "ArterySequence",
    "BackendError",
    "DicomError",
    "EngineError",
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
    "TensorRT",
    "Vessels",
    "read_xa",
]
