"""Where the brain is in a volume, and which values it has there."""

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import VolumeError
from sdk.phase import PI, SLACK
from sdk.volume import Volume

Floats = NDArray[np.float32]

BRAIN_GRID_MM = 2.0
"""Coarseness at which the brain is looked for."""
BRIDGE_MM = 5.0
"""What connects the brain with the scalp is thinner than twice this."""
HISTOGRAM_BINS = 128


def brain_of(volume: Volume) -> NDArray[np.bool_]:
    """(slices, rows, columns) the brain that a volume tells, or else an estimate of it.

    Raises:
        VolumeError: there is none.
    """
    brain = estimate_brain(volume) if volume.brain is None else volume.brain != 0
    if not brain.any():
        raise VolumeError("no brain was found in the volume; give Volume.brain, or --brain")
    return brain


def window_in(
    volume: Volume, brain: NDArray[np.bool_], percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Percentiles of the voxels inside the brain, exactly, with the memory of a few slices.

    Between two ranks they are interpolated, as NumPy does by default. What is kept of every slice
    are the values that can still be among the lowest or highest, few for percentiles near 0 or 100.

    Raises:
        VolumeError: a voxel of the brain is not finite, or they are all alike.
    """
    inside = int(np.count_nonzero(brain))
    ranks = [share / 100 * (inside - 1) for share in percentiles]
    lowest = _smallest(volume.voxels, brain, int(ranks[0]) + 2)
    highest = -_smallest(volume.voxels, brain, inside - int(ranks[1]), sign=-1)[::-1]
    low = _between(lowest, ranks[0])
    high = _between(highest, ranks[1] - int(ranks[1]))
    if not low < high:
        raise VolumeError(f"all voxels of the brain are {low:g}; expected an SWI image")
    return low, high


def check_seen(
    swi: NDArray[np.float32], phase: NDArray[np.float32], brain: NDArray[np.bool_]
) -> None:
    """Refuses values in the brain that would reach the networks as nonsense.

    A bleed beside a single NaN is lost, and phase in other units finds bleeds where there are none.

    Args:
        swi: part of a volume.
        phase: of the same shape, in radians.
        brain: of the same shape. Values outside it are not looked at.

    Raises:
        VolumeError: a value in the brain is not finite, or its phase lies beyond half a turn.
    """
    ends = float(swi.sum()), float(phase.min()), float(phase.max())  # NaN, where one is in there
    if np.isfinite(ends).all() and max(-ends[1], ends[2]) <= SLACK * PI:
        return
    turn = phase[brain]
    if not (np.isfinite(swi[brain]).all() and np.isfinite(turn).all()):
        raise VolumeError("voxels of the brain are not finite; give SWI and phase without NaN")
    if len(turn) and (most := float(np.abs(turn).max())) > SLACK * PI:
        raise VolumeError(
            f"phase in the brain reaches {most:g}, expected radians from -pi to pi; read files "
            "with sdk.read_volume, or convert it with sdk.phase.to_radians"
        )


def _smallest(
    voxels: NDArray[np.generic], brain: NDArray[np.bool_], count: int, sign: int = 1
) -> NDArray[np.float64]:
    """The smallest values inside the brain, of the voxels times a sign, in ascending order."""
    kept = np.zeros(0)
    for image, inside in zip(voxels, brain, strict=True):
        values = image[inside] * np.float64(sign)
        if not np.isfinite(values).all():
            raise VolumeError("voxels of the brain are not finite; give SWI without NaN")
        if len(kept) == count:
            values = values[values < kept.max()]
        kept = np.concatenate([kept, values])
        if len(kept) > count:
            kept = np.partition(kept, count - 1)[:count].copy()
    return np.sort(kept)


def _between(values: NDArray[np.float64], rank: float) -> float:
    lower = min(int(rank), len(values) - 1)
    upper = min(lower + 1, len(values) - 1)
    return float(values[lower] + (values[upper] - values[lower]) * (rank - lower))


def estimate_brain(volume: Volume) -> NDArray[np.bool_]:
    """The largest bright body of the head once thin bridges are cut: brain without scalp.

    A stand-in for a brain extraction tool: Otsu's threshold on a grid of 2 mm, opening slice by
    slice, the largest component, holes filled. Give `Volume.brain` where you have a better one.
    """
    _, dy, dx = volume.spacing_mm
    steps = (max(1, round(BRAIN_GRID_MM / dy)), max(1, round(BRAIN_GRID_MM / dx)))
    _, rows, columns = volume.shape
    coarse = _dark_where_unknown(volume.voxels[:, :: steps[0], :: steps[1]].astype(np.float32))
    bright = coarse > _otsu(coarse)
    reach = (round(BRIDGE_MM / dy / steps[0]), round(BRIDGE_MM / dx / steps[1]))
    body = ~_spread(~bright, reach)
    mask = np.ascontiguousarray(body, np.uint8)
    kernels.keep_largest(mask)
    mask = np.ascontiguousarray(_spread(mask != 0, reach) & _spread(bright, (1, 1)), np.uint8)
    for image in mask:
        kernels.fill_holes(image)
    fine = np.empty(volume.shape, bool)
    in_rows, in_columns = np.arange(rows) // steps[0], np.arange(columns) // steps[1]
    for image, coarse_image in zip(fine, mask, strict=True):
        np.not_equal(coarse_image[in_rows][:, in_columns], 0, out=image)
    return fine


def _dark_where_unknown(values: Floats) -> Floats:
    """The lowest value in the place of NaN and infinity, as which some files mark the outside."""
    known = np.isfinite(values)
    lowest = values.min(where=known, initial=np.inf)
    return np.where(known, values, lowest if np.isfinite(lowest) else np.float32(0))


def _otsu(values: Floats) -> float:
    """The threshold that separates two classes best (Otsu, IEEE Trans. SMC 9:62-66, 1979)."""
    top = float(np.percentile(values, 99.5))
    counts, edges = np.histogram(np.clip(values, values.min(), top), HISTOGRAM_BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts).astype(np.float64)
    mean_below = np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = mean_below / below - (mean_below[-1] - mean_below) / above
        between = np.nan_to_num(below * above * apart**2)
    return float(edges[1 + int(np.argmax(between))])


def _spread(mask: NDArray[np.bool_], reach: tuple[int, int]) -> NDArray[np.bool_]:
    """Dilation by a rectangle in rows and columns; beyond the border nothing is set."""
    for axis, steps in ((1, reach[0]), (2, reach[1])):
        grown = mask.copy()
        for step in range(1, min(steps, mask.shape[axis] - 1) + 1):
            head = [slice(None)] * 3
            tail = [slice(None)] * 3
            head[axis], tail[axis] = slice(step, None), slice(None, -step)
            grown[tuple(head)] |= mask[tuple(tail)]
            grown[tuple(tail)] |= mask[tuple(head)]
        mask = grown
    return mask
