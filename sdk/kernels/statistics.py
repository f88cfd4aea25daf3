"""Numbers that describe a frame's values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sdk import _native
from sdk.kernels.checks import check_number, given_or_new, tuple_of

PercentileWorkspace = _native.PercentileWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """What `percentiles` found.

    Attributes:
        values: one per asked percentage, NaN where there was no pixel to use.
        used: pixels that took part.
        ignored: pixels outside `irradiated`, NaN or infinite.
    """

    values: tuple[float, ...]
    used: int
    ignored: int


def percentiles(
    pixels: Any,
    q: Sequence[float],
    *,
    irradiated: Any = None,
    workspace: PercentileWorkspace | None = None,
) -> Percentiles:
    """Exact percentiles, between ranks interpolated as `numpy.percentile` does by default.

    Args:
        pixels: (rows, columns) uint8, uint16 or float32; NaN and infinities do not count.
        q: percentages, 0 to 100.
        irradiated: (rows, columns) uint8 or bool, only pixels where it is not 0 count.
        workspace: scratch to reuse; one per thread. None allocates.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device; a percentage outside 0..100.
    """
    workspace = given_or_new(workspace, PercentileWorkspace)
    asked = tuple_of("q", q, check_number)
    values, used, ignored = _native.percentiles(pixels, irradiated, asked, workspace)
    return Percentiles(values=values, used=used, ignored=ignored)


def find_window(
    pixels: Any,
    q: tuple[float, float],
    *,
    out: Any,
    irradiated: Any = None,
    workspace: PercentileWorkspace | None = None,
) -> Any:
    """Two percentiles as the window that `subtract` takes; on a device nothing is waited for.

    Args:
        pixels: as of `percentiles`.
        q: the percentages that become low and high.
        out: (3,) float64 on the device of the pixels; receives low, high and 1 / (high - low), low
            and high NaN where there was no pixel to use.
        irradiated: as of `percentiles`.
        workspace: as of `percentiles`.

    Returns:
        `out`. Where high is not above low, it is no window.

    Raises:
        TypeError, ValueError: as `percentiles`.
    """
    workspace = given_or_new(workspace, PercentileWorkspace)
    _native.find_window(pixels, irradiated, tuple_of("q", q, check_number), out, workspace)
    return out


def noise_level(pixels: Any, *, workspace: PercentileWorkspace | None = None) -> float:
    """Standard deviation of the frame's noise, in stored values.

    sqrt(pi / 2) / 6 times the mean magnitude of a Laplacian that is blind to planes
    (J. Immerkaer, Fast noise variance estimation, 1996). It reads white Gaussian noise; a
    detector's blur lowers it, fine anatomy raises it. 0 for a frame without an inner pixel.

    Args:
        pixels: (rows, columns) uint8 or uint16.
        workspace: scratch to reuse on a device; one per thread. None allocates there.

    Raises:
        TypeError: another dtype.
        ValueError: another layout.
    """
    return _native.noise_level(pixels, given_or_new(workspace, PercentileWorkspace))
