"""The compiled kernels: arrays in, arrays out, nothing copied and nothing cast in silence."""

from sdk.kernels.projection import min_projection

__all__ = ["min_projection"]
