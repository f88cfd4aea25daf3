"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk._native import ComponentsWorkspace
from sdk.kernels.components import (
    Components,
    PhysicalSize,
    components,
    fill_holes,
    keep_largest,
    remove_small,
)
from sdk.kernels.masks import threshold
from sdk.kernels.projection import min_projection
from sdk.kernels.statistics import Percentiles, PercentileWorkspace, percentiles
from sdk.kernels.subtraction import Subtraction, subtract

__all__ = [
    "Components",
    "ComponentsWorkspace",
    "PercentileWorkspace",
    "Percentiles",
    "PhysicalSize",
    "Subtraction",
    "components",
    "fill_holes",
    "keep_largest",
    "min_projection",
    "percentiles",
    "remove_small",
    "subtract",
    "threshold",
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
