"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk._native import ComponentsWorkspace, DeviceArray
from sdk.kernels.box_decoding import DecodedBoxes, DecodeOptions, decode_boxes
from sdk.kernels.box_fusion import FusedBoxes, FusionOptions, weighted_box_fusion
from sdk.kernels.boxes import BoxWorkspace, NmsOptions, SoftNmsOptions, nms, soft_nms
from sdk.kernels.centreline import Centreline, CentrelineWorkspace, centreline
from sdk.kernels.components import (
    Components,
    Kept,
    PhysicalSize,
    components,
    fill_holes,
    keep_largest,
    remove_small,
)
from sdk.kernels.device import cuda_device, to_device
from sdk.kernels.drawing import OverlayStyle, overlay
from sdk.kernels.masks import ThresholdWorkspace, threshold
from sdk.kernels.projection import min_projection
from sdk.kernels.regions import (
    AnatomicalFilter,
    FilteredCandidates,
    RegionReason,
    anatomical_filter,
)
from sdk.kernels.registration import ShiftEstimate, ShiftWorkspace, estimate_shift
from sdk.kernels.statistics import Percentiles, PercentileWorkspace, noise_level, percentiles
from sdk.kernels.subtraction import Subtraction, subtract

__all__ = [
    "AnatomicalFilter",
    "BoxWorkspace",
    "Centreline",
    "CentrelineWorkspace",
    "Components",
    "ComponentsWorkspace",
    "DecodeOptions",
    "DecodedBoxes",
    "DeviceArray",
    "FilteredCandidates",
    "FusedBoxes",
    "FusionOptions",
    "Kept",
    "NmsOptions",
    "OverlayStyle",
    "PercentileWorkspace",
    "Percentiles",
    "PhysicalSize",
    "RegionReason",
    "ShiftEstimate",
    "ShiftWorkspace",
    "SoftNmsOptions",
    "Subtraction",
    "ThresholdWorkspace",
    "anatomical_filter",
    "centreline",
    "components",
    "cuda_device",
    "decode_boxes",
    "estimate_shift",
    "fill_holes",
    "keep_largest",
    "min_projection",
    "nms",
    "noise_level",
    "overlay",
    "percentiles",
    "remove_small",
    "soft_nms",
    "subtract",
    "threshold",
    "to_device",
    "weighted_box_fusion",
]
