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
    VolumeError,
)
from sdk.frame import Frame, Intensity, Mask
from sdk.geometry import Placement
from sdk.incoming_volume import IncomingVolume
from sdk.live import Ledger, Live
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.outcome import Outcome, Status
from sdk.runs import Run, open_runs
from sdk.session import Session
from sdk.subtraction import Subtractor
from sdk.tasks import (
    AngiogramQuality,
    ArteryAnswer,
    ArterySequence,
    Grade,
    QualityAnswer,
    Segmentation,
    Vessels,
)
from sdk.tasks.brain_guide import BrainGuide
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import (
    Dropped,
    DroppedCandidate,
    Microbleed,
    MicrobleedAnswer,
    Region,
)
from sdk.volume import Volume
from sdk.volume_files import read_volume
from sdk.volume_outcome import VolumeOptions, VolumeOutcome
from sdk.volume_session import VolumeSession

__all__ = [
    "AngioEdgeError",
    "AngiogramQuality",
    "ArteryAnswer",
    "ArterySequence",
    "BackendError",
    "BrainGuide",
    "DicomError",
    "Dropped",
    "DroppedCandidate",
    "EngineError",
    "Frame",
    "FrameError",
    "Grade",
    "IncomingVolume",
    "Intensity",
    "Ledger",
    "Live",
    "Mask",
    "MaskOperation",
    "MaskSubtraction",
    "Microbleed",
    "MicrobleedAnswer",
    "MicrobleedDetection",
    "ModelFolderError",
    "Outcome",
    "Placement",
    "QualityAnswer",
    "Region",
    "ReplayBackend",
    "Run",
    "Segmentation",
    "Session",
    "SessionError",
    "Status",
    "Subtractor",
    "TensorRT",
    "Vessels",
    "Volume",
    "VolumeError",
    "VolumeOptions",
    "VolumeOutcome",
    "VolumeSession",
    "open_runs",
    "read_volume",
    "read_xa",
]
