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
from sdk.kernels.projection import min_projection

__all__ = [
    "Components",
    "ComponentsWorkspace",
    "PhysicalSize",
    "components",
    "fill_holes",
    "keep_largest",
    "min_projection",
    "remove_small",
]
