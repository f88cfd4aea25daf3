"""Scores of a microbleed detector on crops of phantom brains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sdk import kernels
from training.datasets.brain_pool import IGNORED, LESION
from training.detection_metrics import (
    SubjectFindings,
    false_positives,
    froc,
    score,
    without_doubtful,
)
from training.losses.microbleed_detection import cell_centres
from training.metrics import Estimate, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from training.datasets.brain_pool import CropPool
    from training.networks.microbleed_detection import MicrobleedNet

FALSE_POSITIVE_RATES = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Per crop; the mean sensitivity over them chooses the weights."""
LOWEST_SCORE = 0.02
"""Candidates below are not looked at."""
SUPPRESSION = kernels.NmsOptions(iou_threshold=0.1, min_distance=2.0, max_kept=300)
"""As on the device, in mm."""


def anchor_rows(anchors: Sequence[float], grid: tuple[int, ...]) -> NDArray[np.float32]:
    """(A cells, 6) centre and size of every anchor, in voxels, in the order of the network."""
    axes = [cell_centres(cells).numpy() for cells in grid]
    centres = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    rows = [np.hstack([centres, np.full_like(centres, anchor)]) for anchor in anchors]
    return np.ascontiguousarray(np.concatenate(rows), np.float32)


@torch.no_grad()
def findings(network: MicrobleedNet, pool: CropPool) -> list[SubjectFindings]:
    """What the network finds in every crop, decoded and suppressed as on the device."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for index, images in enumerate(pool.images):
        lesions, kinds = pool.lesions[index], pool.kinds[index]
        spacing = np.array(pool.spacing_of(index))
        inputs = torch.from_numpy(images.astype(np.float32)[None] / 255).to(device)
        logits, offsets = (output[0].cpu().numpy() for output in network(inputs))
        count = len(logits)
        decoded = kernels.decode_boxes(
            anchor_rows(network.config.anchors, logits.shape[1:]),
            offsets.reshape(count, 4, -1),
            logits.reshape(count, -1),
            kernels.DecodeOptions(score_threshold=LOWEST_SCORE),
        )
        corners, scores = np.asarray(decoded.boxes), np.asarray(decoded.scores)
        low, high = corners[:, :3], corners[:, 3:]
        centres = (low + high) / 2 * spacing
        half = (high - low)[:, 1:2] * spacing[1] / 2
        boxes = np.ascontiguousarray(np.hstack([centres - half, centres + half]), np.float32)
        kept = kernels.nms(boxes, scores, SUPPRESSION)
        true = lesions[kinds == LESION]
        every = SubjectFindings(
            candidates_mm=centres[kept].astype(np.float64),
            scores=scores[kept].astype(np.float64),
            lesions_mm=true[:, :3] * spacing,
            diameters_mm=true[:, 3] * spacing[1],
        )
        doubtful = _doubtful(lesions, kinds, images.shape[-1])
        found.append(
            without_doubtful(every, doubtful[:, :3] * spacing, doubtful[:, 3] * spacing[1])
        )
    return found


def _doubtful(
    lesions: NDArray[np.float32], kinds: NDArray[np.uint8], side: int
) -> NDArray[np.float32]:
    """Rows of the lesions inside a crop that are neither to be found nor to be denied."""
    centres = lesions[:, :3]
    inside = ((centres >= -0.5) & (centres < side - 0.5)).all(1)
    return np.asarray(lesions[inside & (kinds == IGNORED)])


def mean_sensitivity(found: Sequence[SubjectFindings], tolerance_mm: float = 3.0) -> float:
    """Mean over `FALSE_POSITIVE_RATES` of the best sensitivity with at most that rate."""
    curve = froc(found, tolerance_mm=tolerance_mm)
    return float(np.mean([curve.sensitivity_at(rate) for rate in FALSE_POSITIVE_RATES]))


NO_LESIONS = Estimate(value=float("nan"), low=float("nan"), high=float("nan"))


def best_threshold(found: Sequence[SubjectFindings]) -> float:
    """Above it candidates give the highest F1; 0.5 without candidates.

    It lies between two scores: the kernels take what is above a threshold, not what equals it.
    """
    curve = froc(found)
    if not len(curve.thresholds):
        return 0.5
    f1 = 2 * curve.precision * curve.sensitivity
    f1 /= np.maximum(curve.precision + curve.sensitivity, 1e-9)
    best = int(np.argmax(f1))
    below = curve.thresholds[best + 1] if best + 1 < len(f1) else 0.0
    return float(curve.thresholds[best] + below) / 2


def summary(found: Sequence[SubjectFindings], threshold: float) -> dict[str, Any]:
    """Numbers for a report, at 3 and at 5 mm."""
    numbers: dict[str, Any] = {"crops": len(found), "threshold": threshold}
    for tolerance_mm in (3.0, 5.0):
        counted = score(found, tolerance_mm=tolerance_mm, threshold=threshold)
        lesions = counted.true_positives + counted.false_negatives
        interval = counted.sensitivity_interval() if lesions else NO_LESIONS
        false = bootstrap_interval(
            false_positives(found, tolerance_mm=tolerance_mm, threshold=threshold)
        )
        curve = froc(found, tolerance_mm=tolerance_mm)
        numbers[f"within_{tolerance_mm:g}_mm"] = {
            "sensitivity": counted.sensitivity,
            "sensitivity_low": interval.low,
            "sensitivity_high": interval.high,
            "false_positives_per_crop": counted.false_positives_per_subject,
            "false_positives_low": false.low,
            "false_positives_high": false.high,
            "precision": counted.precision,
            "f1": counted.f1,
            "mean_froc_sensitivity": mean_sensitivity(found, tolerance_mm),
            "froc": {f"{r:g}": curve.sensitivity_at(r) for r in FALSE_POSITIVE_RATES},
        }
    return numbers
