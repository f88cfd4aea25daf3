"""Projections over the frames of a run."""

from typing import Any

from sdk import _native


def min_projection(frame: Any, lowest: Any) -> Any:
    """Darkens `lowest` in place to the running minimum over all frames given so far.

    Args:
        frame: (rows, columns) uint8 or uint16.
        lowest: same shape, dtype and device; start it as a copy of the first frame.

    Returns:
        `lowest`.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device.
    """
    _native.min_projection(frame, lowest)
    return lowest
