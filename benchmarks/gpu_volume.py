"""Kernels of one volume on a CUDA device, and what each must read and write at least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdk import _native, kernels
from sdk.kernels import TileCut, to_device

if TYPE_CHECKING:
    from benchmarks.gpu import Job, Sizes

CLASSES = 4


def volume_jobs(rng: np.random.Generator, sizes: Sizes) -> list[Job]:
    """Kernels of one volume and its detections."""
    shape = sizes.volume
    volume = to_device((rng.random(shape) < 0.003).astype(np.uint8))
    regions = to_device(rng.integers(0, 5, shape, np.uint8))
    low = rng.uniform(0, min(shape), (sizes.boxes, 3))
    boxes = np.concatenate([low, low + rng.uniform(1, 9, low.shape)], 1).astype(np.float32)
    scores = rng.random(len(boxes), np.float32)
    logits = rng.normal(-4, 1.5, sizes.anchors).astype(np.float32)
    anchors = np.ones((len(logits), 6), np.float32)
    head = (to_device(anchors), to_device(np.zeros_like(anchors)), to_device(logits))
    here, their_scores = to_device(boxes), to_device(scores)
    components, workspace = kernels.ComponentsWorkspace(), kernels.BoxWorkspace()
    options = kernels.DecodeOptions(score_threshold=0.3)
    filtered = kernels.FilteredCandidates.empty(len(boxes), beside=here)
    return [
        (
            "components of a volume",
            lambda: kernels.components(volume, workspace=components),
            int(np.prod(shape)),
        ),
        (
            f"decode_boxes, {sizes.anchors} anchors",
            lambda: kernels.decode_boxes(*head, options, workspace=workspace),
            4 * len(logits),
        ),
        (
            f"nms, {sizes.boxes} boxes",
            lambda: kernels.nms(here, their_scores, 0.2, workspace=workspace),
            28 * len(boxes),
        ),
        (
            f"anatomical_filter, {sizes.boxes} boxes",
            lambda: kernels.anatomical_filter(here, regions, out=filtered),
            24 * len(boxes),
        ),
    ]


def tile_jobs(rng: np.random.Generator, sizes: Sizes) -> list[Job]:
    """Kernels that fill a network's input from a volume, and read labels from its output."""
    tile, (depth, rows, columns) = (sizes.tile,) * 3, sizes.patch
    slices = max(2, tile[0] // 3)
    part = (slices, *tile[1:])
    swi, phase = (to_device(rng.random(part, np.float32)) for _ in range(2))
    brain = to_device(np.ones(part, np.uint8))
    cut = TileCut(
        origin=(0, 0, 0), slices=tile[0], slice_ratio=(slices - 1) / (tile[0] - 1), window=(0, 1)
    )
    scores = to_device(rng.random((CLASSES, depth * rows, columns), np.float32))
    labels = _native.DeviceArray((depth * rows, columns), np.uint8)
    out = _native.DeviceArray((2, *tile), np.float32)
    return [
        (
            f"cut_tile, {sizes.tile}^3",
            lambda: kernels.cut_tile(swi, phase, brain, out, cut),
            9 * int(np.prod(part)) + 8 * int(np.prod(tile)),
        ),
        (
            f"best_class of {CLASSES}",
            lambda: kernels.best_class(scores, labels),
            (4 * CLASSES + 1) * int(np.prod(sizes.patch)),
        ),
    ]
