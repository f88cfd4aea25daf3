"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk.kernels.masks import threshold
from sdk.kernels.components import (
    Components,
    ComponentsWorkspace,
    PhysicalSize,
    components,
    fill_holes,
    keep_largest,
    remove_small,
)
from sdk.kernels.projection import min_projection
from sdk.kernels.statistics import Percentiles, PercentileWorkspace, percentiles
from sdk.kernels.subtraction import Subtraction, subtract

__all__ = [
    "PercentileWorkspace",
    "Percentiles",
    "Subtraction",
    "min_projection",
    "percentiles",
    "subtract",
    "threshold",
    "Components",
    "ComponentsWorkspace",
    "PhysicalSize",
    "components",
    "fill_holes",
    "keep_largest",
    "min_projection",
    "remove_small",
]
