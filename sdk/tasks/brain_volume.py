"""A brain volume as the networks see it: normalised, on finer slices, placed in the head."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sdk import kernels
from sdk.errors import VolumeError
from sdk.kernels import TileCut
from sdk.tasks.brain_mask import brain_of, check_seen, window_in
from sdk.upload import VolumeUpload
from sdk.volume import Volume


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

    def fill_tile(
        self, origin: tuple[int, int, int], out: Any, upload: VolumeUpload | None = None
    ) -> None:
        """Writes SWI and phase (2, D, H, W) of a fine tile; outside the brain 0 and no phase.

        Where `out` lies on a device, `upload` brings there what the tile is made of.

        Raises:
            VolumeError: see `check_seen`.
        """
        first, last = self.slices_of(origin[0], out.shape[1])
        cut = TileCut(
            origin=origin,
            slices=self.fine_slices,
            slice_ratio=self.slice_ratio,
            window=self.window,
        )
        self._fill(cut, (first, last + 1), out, upload)

    def fill_patch(
        self, origin: tuple[int, int, int], out: Any, upload: VolumeUpload | None = None
    ) -> None:
        """Writes SWI, phase and three coordinates (5, D, H, W) of a patch of the volume itself.

        The origin may lie outside; there is no brain there, but the coordinates go on. `upload` is
        as of `fill_tile`.

        Raises:
            VolumeError: see `check_seen`.
        """
        cut = TileCut(origin=origin, slices=len(self.brain), window=self.window, box=self.box)
        self._fill(cut, (origin[0], origin[0] + out.shape[1]), out, upload)

    def _fill(
        self, cut: TileCut, slices: tuple[int, int], out: Any, upload: VolumeUpload | None
    ) -> None:
        assert self.volume.phase is not None  # noqa: S101  prepare() checked
        low = (slices[0], *cut.origin[1:])
        high = (slices[1], *np.add(cut.origin[1:], out.shape[2:]).tolist())
        where = _inside(low, high, self.volume.shape)
        part: tuple[Any, ...] = (
            _rows(self.volume.voxels[where], np.float32),
            _rows(self.volume.phase[where], np.float32),
            _rows(self.brain[where], np.bool_),
        )
        check_seen(*part)
        if upload is not None:
            part = upload(part, out)
        first = tuple(axis.start for axis in where)
        swi, phase, brain = part
        kernels.cut_tile(swi, phase, brain, out, replace(cut, first=first))


def _inside(
    low: tuple[int, ...], high: tuple[int, ...], shape: tuple[int, int, int]
) -> tuple[slice, ...]:
    """What of a box lies in a volume; where nothing does, a voxel at its border beside the box."""
    spans = []
    for begin, end, extent in zip(low, high, shape, strict=True):
        first = min(max(begin, 0), extent - 1)
        spans.append(slice(first, max(min(end, extent), first + 1)))
    return tuple(spans)


def _rows(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """The array itself where its rows are of this type and lie as kernels read them, or a copy."""
    if array.dtype == dtype and array.strides[-1] == array.itemsize:
        return array
    return np.ascontiguousarray(array, dtype)
