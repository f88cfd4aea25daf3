"""A brain volume as the networks see it: normalised, on finer slices, placed in the head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError
from sdk.tasks.brain_mask import brain_of, window_in
from sdk.volume import Volume

Floats = NDArray[np.float32]


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
        cls,
        volume: Volume,
        fine_slices: int,
        percentiles: tuple[float, float],
        window: tuple[float, float] | None = None,
    ) -> "BrainVolume":
        """Finds the brain where the volume does not tell it, and the window of the SWI inside.

        Args:
            volume: SWI and phase, in any order of axes.
            fine_slices: slices after interpolation.
            percentiles: of the SWI inside the brain, they become 0 and 1.
            window: SWI values that become 0 and 1 instead; no voxel is then read.

        Raises:
            VolumeError: there is no phase, or no brain, or nothing to see in it.
        """
        if volume.phase is None:
            raise VolumeError(
                "expected SWI and phase, got no phase; only the phase tells a bleed from a "
                "calcification"
            )
        volume = volume.axial()
        brain = brain_of(volume)
        ends = [np.flatnonzero(brain.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        (z0, z1), (y0, y1), (x0, x1) = ((int(end[0]), int(end[-1])) for end in ends)
        return cls(
            volume=volume,
            brain=brain,
            window=window or window_in(volume, brain, percentiles),
            box=((z0, y0, x0), (z1, y1, x1)),
            fine_slices=fine_slices,
        )

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

    def slices_of(self, origin: int, count: int) -> tuple[int, int]:
        """First and last slice of the volume that so many fine slices from `origin` are made of."""
        last = int(np.ceil((origin + count - 1) * self.slice_ratio))
        return int(np.floor(origin * self.slice_ratio)), min(last, len(self.brain) - 1)

    def brain_share(self, origin: tuple[int, int, int], size: tuple[int, int, int]) -> float:
        """Part of a fine tile that is brain; what lies outside the volume is not."""
        first, last = self.slices_of(origin[0], size[0])
        cut = self.brain[
            first : last + 1, origin[1] : origin[1] + size[1], origin[2] : origin[2] + size[2]
        ]
        return float(np.count_nonzero(cut)) / (max(last + 1 - first, 1) * size[1] * size[2])

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
