"""Which microbleeds are in this brain, and in which region does each lie?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.kernels import (
    AnatomicalFilter,
    ArrayPool,
    BoxWorkspace,
    DecodeOptions,
    HostCopy,
    NmsOptions,
    RegionReason,
)
from sdk.tasks.base import Contract
from sdk.tasks.brain_guide import BrainGuide
from sdk.tasks.brain_volume import BrainVolume
from sdk.tasks.microbleed_networks import DetectorContract, RegionsContract
from sdk.tasks.microbleeds import Candidates, Dropped, DroppedCandidate, Microbleed, Region
from sdk.tasks.tiles import Corner, Tile, plan_tiles
from sdk.tensors import Tensors, TensorSpec
from sdk.upload import VolumeUpload
from sdk.volume import Volume

Floats = NDArray[np.float32]

STRIDE = 4
"""Voxels of a tile per cell of the detector's grid."""
MOST_STRETCH = 1.3
"""Pixels larger or smaller than the known ones by more than this factor are remarked upon."""
LEAST_BOX_MM = 0.01
"""Smaller boxes, of networks that know nothing of this, would have no volume left in FLOAT32."""


@dataclass(kw_only=True)
class MicrobleedDetection:
    """Finds microbleeds on SWI and phase and names their region (Kim et al., MedIA, 2025).

    Attributes:
        tile: (z, y, x) voxels the detector looks at.
        halo: voxels around the core of a tile.
        slices: slices after interpolation, unless `slice_mm` is given.
        slice_mm: slice distance the network was trained at; if given, replaces `slices`.
        pixel_mm: side of the pixels that the weights know; others are remarked upon, not changed.
        patch: (z, y, x) voxels of the volume the regions network looks at.
        percentiles: of the SWI inside the brain, they become 0 and 1.
        anchors: sides of the detector's anchors in voxels.
        threshold: a candidate's score is above it; belongs to the weights.
        min_brain: a tile with a smaller part of brain is skipped.
        nms_iou: of two boxes that overlap more, the better one stays.
        nms_distance_mm: and of two that are nearer.
        most: microbleeds that are kept.
        margin_mm: a candidate's region is that of the ball that reaches this far beyond it. A bleed
            is a hole in the brain, which a network may take for what lies outside.
        min_overlap: part of the ball that must lie in regions.
        centre_voxel_only: judge by the voxel of the centre instead of the ball.
    """

    name: ClassVar[str] = "microbleed_detection"
    TOP: ClassVar[int] = 1000

    tile: Corner = (128, 128, 128)
    halo: int = 16
    slices: int = 224
    slice_mm: float | None = None
    pixel_mm: float | None = None
    patch: Corner = (16, 64, 64)
    percentiles: tuple[float, float] = (0.1, 99.9)
    anchors: tuple[float, ...] = (5.0, 10.0, 20.0)
    threshold: float = 0.4
    min_brain: float = 0.01
    nms_iou: float = 0.1
    nms_distance_mm: float = 2.0
    most: int = 300
    margin_mm: float = 2.0
    min_overlap: float = 0.5
    centre_voxel_only: bool = False
    _anchor_rows: NDArray[np.float32] = field(init=False, repr=False)
    _anchors: Any = field(init=False, repr=False)  # the same, beside what was decoded last
    _workspace: BoxWorkspace = field(init=False, repr=False, default_factory=BoxWorkspace)
    _boxes: HostCopy = field(init=False, repr=False, default_factory=HostCopy)
    _scores: HostCopy = field(init=False, repr=False, default_factory=HostCopy)
    _labels: ArrayPool = field(init=False, repr=False, default_factory=ArrayPool)
    _tile_upload: VolumeUpload = field(init=False, repr=False, default_factory=VolumeUpload)
    _patch_upload: VolumeUpload = field(init=False, repr=False, default_factory=VolumeUpload)

    def __post_init__(self) -> None:
        self.tile, self.patch = _corner(self.tile), _corner(self.patch)
        self.percentiles = (self.percentiles[0], self.percentiles[1])
        self.anchors = tuple(self.anchors)
        for name in ("slice_mm", "pixel_mm"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        if any(side % 16 for side in self.tile):
            raise ValueError(f"tile must be multiples of 16, got {self.tile}")
        plan_tiles(self.tile, self.tile, self.halo)  # refuses a halo without core
        cells = np.indices(self.grid).reshape(3, -1).T * STRIDE + (STRIDE - 1) / 2
        rows = [np.hstack([cells, np.full_like(cells, side)]) for side in self.anchors]
        self._anchors = self._anchor_rows = np.ascontiguousarray(np.concatenate(rows), np.float32)

    @property
    def grid(self) -> Corner:
        """(z, y, x) cells of the detector's grid."""
        return _corner(side // STRIDE for side in self.tile)

    @property
    def networks(self) -> dict[str, Contract]:
        """What each graph must fit, by the name that its files have in the manifest."""
        count = len(self.anchors)
        return {
            "detector": DetectorContract(
                tile=TensorSpec("tile", (1, 2, *self.tile)),
                maps=(
                    TensorSpec("logits", (1, count, *self.grid)),
                    TensorSpec("offsets", (1, 4 * count, *self.grid)),
                ),
                decode=self._decode,
                nms_iou=self.nms_iou,
                near=STRIDE,
            ),
            "regions": RegionsContract(
                patch=TensorSpec("patch", (1, 5, *self.patch)),
                map=TensorSpec("regions", (1, len(Region), *self.patch)),
                label=self.read_patch,
            ),
        }

    def prepare(self, volume: Volume, guide: BrainGuide | None = None) -> BrainVolume:
        """The volume as the networks see it.

        Args:
            volume: SWI and phase.
            guide: window and brain that were known before; None: those of the volume itself.

        Raises:
            VolumeError: the volume has no phase or no brain.
        """
        known = volume if guide is None else guide.on(volume)
        window = None if guide is None else guide.window
        return BrainVolume.prepare(known, self._fine_slices(volume), self.percentiles, window)

    def remarks(self, volume: Volume) -> list[str]:
        """What of an axial volume is unlike what the weights know, in words."""
        rows, columns = volume.spacing_mm[1:]
        known = self.pixel_mm
        if known is None or all(
            1 / MOST_STRETCH <= side / known <= MOST_STRETCH for side in (rows, columns)
        ):
            return []
        return [f"pixels of {rows:.2f} x {columns:.2f} mm, the network knows {known:.2f} mm"]

    def _fine_slices(self, volume: Volume) -> int:
        """Slices of the volume after interpolation; the first and last ones keep their place."""
        if self.slice_mm is None:
            return self.slices
        axial = volume.axial()
        return max(1, round((axial.shape[0] - 1) * axial.spacing_mm[0] / self.slice_mm) + 1)

    def plan(self, brain: BrainVolume) -> tuple[list[Tile], int]:
        """The tiles to look at, and how many are skipped because they hold no brain."""
        tiles = plan_tiles(brain.fine_shape, self.tile, self.halo)
        looked = [
            tile for tile in tiles if brain.brain_share(tile.origin, self.tile) >= self.min_brain
        ]
        return looked, len(tiles) - len(looked)

    def fill_tile(self, tile: Tile, brain: BrainVolume, inputs: Tensors) -> None:
        """Fills the detector's inputs; on a device nothing is waited for."""
        brain.fill_tile(tile.origin, inputs["tile"][0], self._tile_upload)

    def fill_patch(self, origin: Corner, brain: BrainVolume, inputs: Tensors) -> None:
        """Fills the inputs of the regions network; on a device nothing is waited for."""
        brain.fill_patch(origin, inputs["patch"][0], self._patch_upload)

    def read_tile(self, outputs: Tensors, tile: Tile, brain: BrainVolume) -> Candidates:
        """Candidates of a tile's core, from the detector's outputs.

        On a device it is here that the host waits, for what was queued before too.
        """
        boxes, scores = self._decode(outputs)
        low, high = boxes[:, :3].astype(np.float64), boxes[:, 3:]
        fine = (low + high) / 2 + np.array(tile.origin)
        own = tile.owns(fine)
        # Sizes are those of the rows: the network sees voxels, and slices are its coarsest axis.
        diameters = (high - low)[:, 1] * brain.volume.spacing_mm[1]
        return Candidates(brain.to_volume(fine[own]), diameters[own], scores[own])

    def _decode(self, outputs: Tensors) -> tuple[Floats, Floats]:
        """(n, 6) boxes and (n,) scores in host memory, until the next call."""
        count, cells, logits = len(self.anchors), math.prod(self.grid), outputs["logits"]
        if not kernels.same_place(self._anchors, logits):
            self._anchors = kernels.empty_beside(logits, self._anchor_rows.shape, np.float32)
            kernels.fill(self._anchors, self._anchor_rows)
        found = kernels.decode_boxes(
            self._anchors,
            outputs["offsets"].reshape((count, 4, cells)),
            logits.reshape((count, cells)),
            DecodeOptions(score_threshold=self.threshold, top=self.TOP),
            workspace=self._workspace,
        )
        boxes, scores = self._boxes.take(found.boxes), self._scores.take(found.scores)
        kernels.wait(logits)
        return boxes, scores

    def suppress(
        self, candidates: Candidates, brain: BrainVolume
    ) -> tuple[list[Microbleed], list[DroppedCandidate]]:
        """Keeps the best of candidates that overlap or are near, in mm."""
        centres = candidates.centres * np.array(brain.volume.spacing_mm)
        half = np.maximum(candidates.diameters_mm, LEAST_BOX_MM)[:, None] / 2
        boxes = np.ascontiguousarray(np.hstack([centres - half, centres + half]), np.float32)
        options = NmsOptions(iou_threshold=self.nms_iou, min_distance=self.nms_distance_mm)
        kept = kernels.nms(boxes, candidates.scores, options).tolist()
        places = [self._place(candidates, index, brain) for index in range(len(boxes))]
        fallen = sorted(set(range(len(boxes))) - set(kept), key=lambda i: -candidates.scores[i])
        dropped = [(index, Dropped.TOO_MANY) for index in kept[self.most :]]
        dropped += [(index, Dropped.SUPPRESSED) for index in fallen]
        return (
            [places[index] for index in kept[: self.most]],
            [DroppedCandidate(candidate=places[i], reason=reason) for i, reason in dropped],
        )

    def _place(self, candidates: Candidates, index: int, brain: BrainVolume) -> Microbleed:
        voxel = candidates.centres[index]
        spacing = np.array(brain.volume.spacing_mm)
        return Microbleed(
            voxel=_triple(voxel),
            centre_mm=_triple(voxel * spacing),
            patient_mm=_triple(brain.volume.to_patient_mm(voxel)),
            diameter_mm=float(candidates.diameters_mm[index]),
            score=float(candidates.scores[index]),
        )

    def patch_origin(self, candidate: Microbleed) -> Corner:
        """First voxel of the patch in whose middle a candidate lies."""
        return _corner(
            round(at) - size // 2 for at, size in zip(candidate.voxel, self.patch, strict=True)
        )

    def patch_grid(self, brain: BrainVolume) -> list[Corner]:
        """Origins of patches side by side over the brain's bounding box."""
        axes = [
            range(first, last + 1, size)
            for first, last, size in zip(*brain.box, self.patch, strict=True)
        ]
        return [(z, y, x) for z in axes[0] for y in axes[1] for x in axes[2]]

    def read_patch(self, outputs: Tensors) -> NDArray[np.uint8]:
        """(D, H, W) labels from the regions network's outputs, in host memory; waits for them."""
        scores, (depth, rows, columns) = outputs["regions"], self.patch
        labels = self._labels.beside(scores, (depth * rows, columns), np.uint8)
        kernels.best_class(scores.reshape((len(Region), depth * rows, columns)), labels)
        return kernels.to_host(labels).reshape(self.patch)

    def localise(
        self, candidate: Microbleed, labels: NDArray[np.uint8], origin: Corner, volume: Volume
    ) -> Microbleed | DroppedCandidate:
        """Names a candidate's region, or drops it where the brain has none.

        `labels` are a label volume whose first voxel is voxel `origin` of the volume.
        """
        radius = candidate.diameter_mm / 2 + self.margin_mm
        rule = AnatomicalFilter(
            margin_mm=0.0 if self.centre_voxel_only else radius,
            min_overlap=self.min_overlap,
            spacing_mm=volume.spacing_mm,
        )
        point = np.subtract(candidate.voxel, origin)[None].astype(np.float32)
        found = kernels.anatomical_filter(point, labels, rule)
        kept, region, reason, overlap = (
            np.asarray(values)[0]
            for values in (found.kept, found.region, found.reason, found.overlap)
        )
        placed = replace(candidate, region=Region(int(region)), overlap=float(overlap))
        if kept:
            return placed
        why = Dropped[RegionReason(int(reason)).name]
        return DroppedCandidate(candidate=placed, reason=why)


def _corner(values: Iterable[int]) -> Corner:
    z, y, x = (int(value) for value in values)
    return z, y, x


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    z, y, x = values.tolist()
    return z, y, x
