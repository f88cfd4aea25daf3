"""What the two graphs of microbleed detection must fit, and how their answers are compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.kernels import NmsOptions
from sdk.tasks.base import Contract
from sdk.tensors import Tensors, TensorSpec

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class DetectorContract(Contract):
    """Of the detector: a tile in, candidates out."""

    tile: TensorSpec
    """What it takes."""
    maps: tuple[TensorSpec, ...]
    """What it gives."""
    decode: Callable[[Tensors], tuple[Floats, Floats]]
    """Reads boxes and scores of candidates above the score threshold from its outputs."""
    nms_iou: float
    """Overlap above which two candidates are the same bleed."""
    near: float
    """Voxels of the tile within which bleeds of two answers are the same."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (self.tile,)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self.maps

    @property
    def on_device(self) -> bool:
        return True

    def rehearse(self, inputs: Tensors, outputs: Tensors) -> None:
        """Reads what the warm-up left in the outputs."""
        del inputs
        self.read(outputs)

    def read(self, outputs: Tensors) -> NDArray[np.float64]:
        """(n, 3) centres of the bleeds in voxels of the tile, best first."""
        boxes, scores = self.decode(outputs)
        options = NmsOptions(iou_threshold=self.nms_iou, invalid="drop")
        kept = kernels.nms(boxes, scores, options)
        return np.asarray((boxes[kept, :3].astype(np.float64) + boxes[kept, 3:]) / 2)

    def agreement(
        self, expected: NDArray[np.float64], got: NDArray[np.float64]
    ) -> dict[str, float]:
        """Twice the bleeds that both found, one to one, by all that either found."""
        if not len(expected) + len(got):
            return {"same_bleeds": 1.0}
        free = np.ones(len(got), bool)
        matched = 0
        for centre in expected:
            apart = np.where(free, np.abs(got - centre).max(axis=1, initial=0.0), np.inf)
            if len(got) and apart.min() <= self.near:
                free[int(apart.argmin())] = False
                matched += 1
        return {"same_bleeds": 2 * matched / (len(expected) + len(got))}


@dataclass(frozen=True, kw_only=True)
class RegionsContract(Contract):
    """Of the regions network: a patch in, a label per voxel out."""

    patch: TensorSpec
    """What it takes."""
    map: TensorSpec
    """What it gives."""
    label: Callable[[Tensors], Labels]
    """Reads labels from its outputs."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (self.patch,)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return (self.map,)

    @property
    def on_device(self) -> bool:
        return True

    def rehearse(self, inputs: Tensors, outputs: Tensors) -> None:
        """Reads what the warm-up left in the outputs."""
        del inputs
        self.read(outputs)

    def read(self, outputs: Tensors) -> Labels:
        """(slices, rows, columns) labels."""
        return self.label(outputs)

    def agreement(self, expected: Labels, got: Labels) -> dict[str, float]:
        """Part of the voxels with the same label."""
        return {"same_regions": float((expected == got).mean())}
