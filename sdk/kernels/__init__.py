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
    queue_remove_small,
    remove_small,
)
from sdk.kernels.device import (
    clear,
    cuda_device,
    device_traffic,
    empty_beside,
    fill,
    on_device,
    same_place,
    to_device,
    to_host,
    wait,
)
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
from sdk.kernels.statistics import (
    Percentiles,
    PercentileWorkspace,
    find_window,
    noise_level,
    percentiles,
)
from sdk.kernels.subtraction import Subtraction, subtract
from sdk.kernels.transfer import ArrayPool, HostCopy, Upload
from sdk.kernels.volumes import TileCut, best_class, cut_tile

__all__ = [
    "AnatomicalFilter",
    "ArrayPool",
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
    "HostCopy",
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
    "TileCut",
    "Upload",
    "anatomical_filter",
    "best_class",
    "centreline",
    "clear",
    "components",
    "cuda_device",
    "cut_tile",
    "decode_boxes",
    "device_traffic",
    "empty_beside",
    "estimate_shift",
    "fill",
    "fill_holes",
    "find_window",
    "keep_largest",
    "min_projection",
    "nms",
    "noise_level",
    "on_device",
    "overlay",
    "percentiles",
    "queue_remove_small",
    "remove_small",
    "same_place",
    "soft_nms",
    "subtract",
    "threshold",
    "to_device",
    "to_host",
    "wait",
    "weighted_box_fusion",
]
