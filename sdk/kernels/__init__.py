"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk.kernels.drawing import OverlayStyle, overlay
from sdk.kernels.masks import threshold
from sdk.kernels.projection import min_projection
from sdk.kernels.registration import ShiftEstimate, ShiftWorkspace, estimate_shift
from sdk.kernels.statistics import Percentiles, PercentileWorkspace, noise_level, percentiles
from sdk.kernels.subtraction import Subtraction, subtract

__all__ = [
    "OverlayStyle",
    "PercentileWorkspace",
    "Percentiles",
    "ShiftEstimate",
    "ShiftWorkspace",
    "Subtraction",
    "estimate_shift",
    "min_projection",
    "noise_level",
    "overlay",
    "percentiles",
    "subtract",
    "threshold",
]
