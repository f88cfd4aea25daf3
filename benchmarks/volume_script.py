"""The script that is usually written: torch, MONAI's sliding window, NumPy, whole label volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from benchmarks.volume_case import Case
    from sdk.volume import Volume
    from training.networks.brain_regions import BrainRegionsNet
    from training.networks.microbleed_detection import MicrobleedNet

STRIDE = 4


@torch.no_grad()
def prepare(volume: Volume, case: Case) -> tuple[Tensor, Tensor]:
    """(1, 2, slices, rows, columns) images as they are, and interpolated."""
    assert volume.phase is not None and volume.brain is not None  # noqa: S101, PT018
    low, high = np.percentile(volume.voxels[volume.brain], case.task.percentiles)
    swi = np.clip((volume.voxels - low) / (high - low), 0, 1) * volume.brain
    phase = np.clip(volume.phase * volume.brain / (2 * np.pi) + 0.5, 0, 1)
    image = torch.from_numpy(np.stack([swi, phase])[None].astype(np.float32))
    size = (case.slices, *volume.shape[1:])
    return image, functional.interpolate(image, size, mode="trilinear", align_corners=True)


@torch.no_grad()
def detect(
    fine: Tensor, detector: MicrobleedNet, volume: Volume, case: Case
) -> NDArray[np.float64]:
    """(n, 5) bleeds: centre in voxels of the volume, diameter in mm, score; best first."""
    overlap = 2 * case.halo / case.tile
    logits, offsets = sliding_window_inference(
        fine, (case.tile,) * 3, 1, detector, overlap=overlap, mode="constant"
    )
    scores = torch.sigmoid(logits[0]).numpy()
    kept = np.argwhere(scores > case.task.threshold)
    rows = []
    for anchor, *cell in kept:
        side = case.detector.anchors[anchor]
        shift = offsets[0, 4 * anchor : 4 * anchor + 4, cell[0], cell[1], cell[2]].numpy()
        centre = np.array(cell) * STRIDE + (STRIDE - 1) / 2 + shift[:3] * side
        centre[0] *= (volume.shape[0] - 1) / (case.slices - 1)
        diameter = side * np.exp(shift[3]) * volume.spacing_mm[1]
        rows.append([*centre, diameter, scores[(anchor, *cell)]])
    found = np.array(rows).reshape(-1, 5)
    return found[nms(found, volume.spacing_mm, case)]


def nms(found: NDArray[np.float64], spacing_mm: tuple[float, ...], case: Case) -> NDArray[np.int64]:
    """Greedy suppression by overlap and distance, in NumPy."""
    centres, half = found[:, :3] * spacing_mm, found[:, 3:4] / 2
    low, high = centres - half, centres + half
    sizes = np.prod(high - low, axis=1)
    order, kept = np.argsort(-found[:, 4], kind="stable"), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        inner = np.prod(np.clip(shared, 0, None), axis=1)
        iou = inner / (sizes[best] + sizes[order] - inner)
        apart = np.linalg.norm(centres[best] - centres[order], axis=1)
        order = order[(iou <= case.task.nms_iou) & (apart >= case.task.nms_distance_mm)]
    return np.array(kept[: case.task.most], np.int64)


@torch.no_grad()
def localise(
    image: Tensor, found: NDArray[np.float64], network: BrainRegionsNet, volume: Volume, case: Case
) -> NDArray[np.uint8]:
    """(n,) region of every bleed, from a label volume of the whole head; 0 for none."""
    assert volume.brain is not None  # noqa: S101
    places = np.argwhere(volume.brain)
    low, high = places.min(axis=0), places.max(axis=0)
    axes = [
        2 * (torch.arange(extent) - int(a)) / int(b - a) - 1
        for extent, a, b in zip(volume.shape, low, high, strict=True)
    ]
    coordinates = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None].float()
    inputs = torch.cat([image, coordinates], 1)
    logits = sliding_window_inference(inputs, case.patch, 1, network, overlap=0.0)
    labels = logits[0].argmax(0).to(torch.uint8).numpy()
    named = np.zeros(len(found), np.uint8)
    grid = np.ogrid[tuple(slice(extent) for extent in volume.shape)]
    for index, (*centre, diameter, _) in enumerate(found):
        radius = diameter / 2 + case.task.margin_mm
        apart = sum(
            ((axis - at) * mm) ** 2
            for axis, at, mm in zip(grid, centre, volume.spacing_mm, strict=True)
        )
        votes = np.bincount(labels[apart <= radius**2], minlength=4)
        named[index] = 1 + votes[1:].argmax() if votes[1:].any() else 0
    return named
