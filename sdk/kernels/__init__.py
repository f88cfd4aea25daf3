"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk.kernels.box_decoding import DecodedBoxes, DecodeOptions, decode_boxes
from sdk.kernels.box_fusion import FusedBoxes, FusionOptions, weighted_box_fusion
from sdk.kernels.boxes import BoxWorkspace, NmsOptions, SoftNmsOptions, nms, soft_nms
from sdk.kernels.centreline import Centreline, CentrelineWorkspace, centreline
from sdk.kernels.projection import min_projection
from sdk.kernels.regions import (
    AnatomicalFilter,
    FilteredCandidates,
    RegionReason,
    anatomical_filter,
)

__all__ = [
    "AnatomicalFilter",
    "BoxWorkspace",
    "Centreline",
    "CentrelineWorkspace",
    "DecodeOptions",
    "DecodedBoxes",
    "FilteredCandidates",
    "FusedBoxes",
    "FusionOptions",
    "NmsOptions",
    "RegionReason",
    "SoftNmsOptions",
    "anatomical_filter",
    "centreline",
    "decode_boxes",
    "min_projection",
    "nms",
    "soft_nms",
    "weighted_box_fusion",
]
