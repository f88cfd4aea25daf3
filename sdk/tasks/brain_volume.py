"""A brain volume as the networks see it: normalised, on finer slices, placed in the head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import VolumeError
from sdk.volume import Volume

Floats = NDArray[np.float32]

BRAIN_GRID_MM = 2.0
"""Coarseness at which the brain is looked for."""
BRIDGE_MM = 5.0
"""What connects the brain with the scalp is thinner than twice this."""
HISTOGRAM_BINS = 128


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BrainVolume:
    """SWI and phase ready to be cut into tiles and patches; the voxels themselves stay as they are.

    Attributes:
        volume: in axial order.
        brain: (slices, rows, columns) bool.
        window: SWI values that become 0 and 1.
        box: the brain's bounding box, first and last voxel (z, y, x).
        fine_slices: slices after interpolation.
    """

    volume: Volume
    brain: NDArray[np.bool_]
    window: tuple[float, float]
    box: tuple[tuple[int, int, int], tuple[int, int, int]]
    fine_slices: int

    @classmethod
    def prepare(
        cls, volume: Volume, fine_slices: int, percentiles: tuple[float, float]
    ) -> "BrainVolume":
        """Finds the brain where the volume does not tell it, and the window of the SWI inside.

        Raises:
            VolumeError: there is no phase, or no brain.
        """
        if volume.phase is None:
            raise VolumeError(
                "expected SWI and phase, got no phase; only the phase tells a bleed from a "
                "calcification"
            )
        volume = volume.axial()
        brain = estimate_brain(volume) if volume.brain is None else volume.brain != 0
        inside = volume.voxels[brain]
        if not len(inside):
            raise VolumeError("no brain was found in the volume; give one in Volume.brain")
        low, high = np.percentile(inside, percentiles).tolist()
        if not low < high:
            raise VolumeError(f"all voxels of the brain are {low:g}; expected an SWI image")
        ends = [np.flatnonzero(brain.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        (z0, z1), (y0, y1), (x0, x1) = ((int(end[0]), int(end[-1])) for end in ends)
        box = ((z0, y0, x0), (z1, y1, x1))
        return cls(volume=volume, brain=brain, window=(low, high), box=box, fine_slices=fine_slices)

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns) after interpolation."""
        return self.fine_slices, *self.volume.shape[1:]

    @property
    def slice_ratio(self) -> float:
        """Slices of the volume per fine slice: the first and last slices keep their place."""
        return (self.volume.shape[0] - 1) / max(self.fine_slices - 1, 1)

    def to_volume(self, fine: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, 3) fine voxels -> voxels of the volume."""
        return np.asarray(fine * np.array([self.slice_ratio, 1.0, 1.0]))

    def brain_share(self, origin: tuple[int, int, int], size: tuple[int, int, int]) -> float:
        """Part of a fine tile that is brain; what lies outside the volume is not."""
        first = int(np.floor(origin[0] * self.slice_ratio))
        last = int(np.ceil((origin[0] + size[0] - 1) * self.slice_ratio))
        cut = self.brain[
            first : last + 1, origin[1] : origin[1] + size[1], origin[2] : origin[2] + size[2]
        ]
        whole = min(last + 1, len(self.brain)) - first
        return float(cut.sum()) / (max(whole, 1) * size[1] * size[2])

    def fill_tile(self, origin: tuple[int, int, int], out: Floats) -> None:
        """Writes SWI and phase (2, D, H, W) of a fine tile; outside the brain 0 and no phase."""
        out[0], out[1] = 0.0, 0.5
        for k in range(out.shape[1]):
            position = (origin[0] + k) * self.slice_ratio
            lower = int(position)
            if origin[0] + k >= self.fine_slices:
                return
            share = np.float32(position - lower)
            self._add_slice(out[:, k], lower, origin[1:], 1 - share)
            if share > 0:
                self._add_slice(out[:, k], lower + 1, origin[1:], share)

    def _add_slice(
        self, out: Floats, index: int, corner: tuple[int, ...], share: np.float32
    ) -> None:
        """Adds a share of a slice of the volume to (2, H, W), which holds 0 and no phase."""
        if index >= len(self.brain):
            return
        rows, columns = (
            slice(first, first + size) for first, size in zip(corner, out.shape[1:], strict=True)
        )
        brain = self.brain[index, rows, columns]
        there = np.s_[: brain.shape[0], : brain.shape[1]]
        out[0][there] += share * self._swi(index, rows, columns, brain)
        out[1][there] += share * (self._phase(index, rows, columns, brain) - np.float32(0.5))

    def _swi(self, index: int, rows: slice, columns: slice, brain: NDArray[np.bool_]) -> Floats:
        low, high = self.window
        values = self.volume.voxels[index, rows, columns].astype(np.float32)
        return np.asarray(np.clip((values - low) / (high - low), 0, 1) * brain, np.float32)

    def _phase(self, index: int, rows: slice, columns: slice, brain: NDArray[np.bool_]) -> Floats:
        assert self.volume.phase is not None  # noqa: S101  prepare() checked
        turn = self.volume.phase[index, rows, columns] * brain / (2 * np.pi)
        return np.asarray(np.clip(turn + 0.5, 0, 1), np.float32)

    def fill_patch(self, origin: tuple[int, int, int], out: Floats) -> None:
        """Writes SWI, phase and three coordinates (5, D, H, W) of a patch of the volume itself.

        The origin may lie outside; there is no brain there, but the coordinates go on.
        """
        out[0], out[1] = 0.0, 0.5
        low = np.maximum(origin, 0)
        high = np.minimum(np.add(origin, out.shape[1:]), self.volume.shape)
        if (low < high).all():
            rows, columns = slice(low[1], high[1]), slice(low[2], high[2])
            a, b = low - origin, high - origin
            for index in range(low[0], high[0]):
                brain = self.brain[index, rows, columns]
                to = np.s_[index - origin[0], a[1] : b[1], a[2] : b[2]]
                out[0][to] = self._swi(index, rows, columns, brain)
                out[1][to] = self._phase(index, rows, columns, brain)
        for axis in range(3):
            first, last = self.box[0][axis], self.box[1][axis]
            voxels = origin[axis] + np.arange(out.shape[1 + axis])
            shape = [-1 if other == axis else 1 for other in range(3)]
            out[2 + axis] = (2 * (voxels - first) / max(last - first, 1) - 1).reshape(shape)


def estimate_brain(volume: Volume) -> NDArray[np.bool_]:
    """The largest bright body of the head once thin bridges are cut: brain without scalp.

    A stand-in for a brain extraction tool: Otsu's threshold on a grid of 2 mm, opening slice by
    slice, the largest component, holes filled. Give `Volume.brain` where you have a better one.
    """
    _, dy, dx = volume.spacing_mm
    steps = (max(1, round(BRAIN_GRID_MM / dy)), max(1, round(BRAIN_GRID_MM / dx)))
    slices, rows, columns = volume.shape
    coarse = volume.voxels[:, :: steps[0], :: steps[1]].astype(np.float32)
    bright = coarse > _otsu(coarse)
    reach = (round(BRIDGE_MM / dy / steps[0]), round(BRIDGE_MM / dx / steps[1]))
    body = ~_spread(~bright, reach)
    mask = np.ascontiguousarray(body, np.uint8)
    kernels.keep_largest(mask)
    mask = np.ascontiguousarray(_spread(mask != 0, reach) & _spread(bright, (1, 1)), np.uint8)
    for image in mask:
        kernels.fill_holes(image)
    fine = mask.repeat(steps[0], axis=1).repeat(steps[1], axis=2)
    return np.asarray(fine[:slices, :rows, :columns] != 0)


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
