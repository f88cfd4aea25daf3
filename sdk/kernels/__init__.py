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
]
