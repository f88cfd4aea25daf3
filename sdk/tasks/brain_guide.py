"""What is known of a brain before its volume has come: where it lies, and how bright it is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk.errors import VolumeError
from sdk.tasks.brain_mask import brain_of, window_in
from sdk.volume import Volume


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BrainGuide:
    """Brain and window of a volume, so that nothing of it waits for its last slice.

    Attributes:
        window: SWI values that become 0 and 1.
        brain: (slices, rows, columns), in the volume's own order, non-zero inside the brain.

    Raises:
        VolumeError: the window has no width, or there is no brain.
    """

    window: tuple[float, float]
    brain: NDArray[Any]

    def __post_init__(self) -> None:
        low, high = (float(value) for value in self.window)
        if not low < high or not np.isfinite([low, high]).all():
            raise VolumeError(f"window must be two finite values, the lower first, got {low, high}")
        if self.brain.ndim != 3 or not self.brain.any():
            raise VolumeError(
                "brain must be (slices, rows, columns) with something inside, got "
                f"{self.brain.dtype} {self.brain.shape}"
            )
        object.__setattr__(self, "window", (low, high))

    @classmethod
    def of(
        cls,
        scan: Volume,
        shape: tuple[int, int, int],
        to_patient: NDArray[np.float64],
        percentiles: tuple[float, float],
    ) -> "BrainGuide":
        """From another scan of the head in the same place, such as a coarse one just before.

        The brain is that of the scan, voxel by voxel the nearest; outside the scan there is none.
        The window is taken over: the scan must have the brightness of the volume, as one of the
        same sequence and gains has.

        Args:
            scan: with its brain, or to estimate it from.
            shape: (slices, rows, columns) of the volume that is to come.
            to_patient: (4, 4), where that lies, see `sdk.Volume`.
            percentiles: of the scan inside its brain, they become 0 and 1.

        Raises:
            VolumeError: the scan has no brain, or it lies outside the volume.
        """
        found = brain_of(scan)
        brain = np.zeros(shape, bool)
        rows, columns = np.indices(shape[1:], sparse=True)
        turn = np.linalg.inv(scan.to_patient) @ np.asarray(to_patient, np.float64)
        for index, image in enumerate(brain):
            places = [
                row[0] * index + row[1] * rows + row[2] * columns + row[3] for row in turn[:3]
            ]
            nearest = [np.rint(place).astype(int) for place in places]
            there = np.ones(shape[1:], bool)
            for axis, extent in zip(nearest, found.shape, strict=True):
                there &= (axis >= 0) & (axis < extent)
            image[there] = found[tuple(axis[there] for axis in nearest)]
        return cls(window=window_in(scan, found, percentiles), brain=brain)

    def on(self, volume: Volume) -> Volume:
        """A volume with this brain.

        Raises:
            VolumeError: the brain has another shape.
        """
        return replace(volume, brain=self.brain)
