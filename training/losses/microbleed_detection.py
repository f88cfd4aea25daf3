"""Losses of the microbleed detector: RPN with hard negatives, and hard-sample prototypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.networks.microbleed_detection import STRIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
"""Labels of anchors."""
LESION, MIMIC = 0, 1
"""Classes of the prototypes."""


@dataclass(frozen=True, kw_only=True)
class DetectionLossConfig:
    """Weights and rules; what the paper does not state is of its family or reconstructed."""

    ignore_iou: float = 0.02
    """An anchor that overlaps a lesion by this much is no negative."""
    hard_negatives: int = 32
    """Hardest negatives of a crop that count."""
    negative_pool: int | None = None
    """Random negatives the hardest are chosen from; None: all."""
    concentration: float = 0.1
    """Weight of the concentration loss once it counts."""
    least_probability: float = 0.01
    """A crop without a lesion whose best anchor is below gives no mimic."""
    ignored_radius: float = 8.0
    """Nor one whose best anchor lies within so many voxels of an ignored lesion: 4 mm."""
    temperature: float = 1.0
    """Of the distances to the prototypes, which are means over the features."""
    pull: float = 0.001
    """Weight of the distance to the own prototype."""


@dataclass(frozen=True, kw_only=True)
class CropTruth:
    """What is true in one crop."""

    lesions: Tensor
    """(n, 4) z, y, x of the centre and the diameter, in voxels."""
    ignored: Tensor
    """(m, 4) lesions that are neither to be found nor to be denied."""


@dataclass(frozen=True, kw_only=True)
class AnchorTargets:
    """What the anchors of a crop should say."""

    labels: Tensor
    """(A, D, H, W) POSITIVE, NEGATIVE or IGNORED."""
    offsets: Tensor
    """(A, 4, D, H, W), meaningful at positives."""


def cell_centres(cells: int) -> Tensor:
    """(cells,) voxel coordinates of the cells' centres along one axis: 4 i + 1.5."""
    return STRIDE * torch.arange(cells, dtype=torch.float32) + (STRIDE - 1) / 2


def anchor_iou(lesion: Tensor, anchors: Sequence[float], grid: tuple[int, ...]) -> Tensor:
    """(A, D, H, W) overlap of cubic anchors with a cubic lesion (z, y, x, diameter)."""
    overlaps = []
    for anchor in anchors:
        reach = (lesion[3] + anchor) / 2
        least = torch.minimum(lesion[3], torch.tensor(anchor))
        shared = [
            torch.minimum((reach - (cell_centres(cells) - centre).abs()).clamp(min=0), least)
            for cells, centre in zip(grid, lesion[:3], strict=True)
        ]
        inside = shared[0][:, None, None] * shared[1][:, None] * shared[2]
        overlaps.append(inside / (lesion[3] ** 3 + anchor**3 - inside))
    return torch.stack(overlaps)


def anchor_targets(
    truth: CropTruth, anchors: Sequence[float], grid: tuple[int, ...], ignore_iou: float
) -> AnchorTargets:
    """One positive per lesion, its best anchor; others that overlap a lesion are ignored."""
    labels = torch.zeros(len(anchors), *grid, dtype=torch.int64)
    offsets = torch.zeros(len(anchors), 4, *grid)
    for lesion in torch.cat([truth.lesions, truth.ignored]):
        labels[anchor_iou(lesion, anchors, grid) > ignore_iou] = IGNORED
    for lesion in truth.lesions:
        best = torch.argmax(anchor_iou(lesion, anchors, grid))
        index = torch.unravel_index(best, labels.shape)
        anchor = torch.tensor(anchors[int(index[0])])
        centre = torch.stack([cell_centres(n)[i] for n, i in zip(grid, index[1:], strict=True)])
        labels[index] = POSITIVE
        offsets[index[0], :3, index[1], index[2], index[3]] = (lesion[:3] - centre) / anchor
        offsets[index[0], 3, index[1], index[2], index[3]] = torch.log(lesion[3] / anchor)
    return AnchorTargets(labels=labels, offsets=offsets)


def hardest_negatives(logits: Tensor, config: DetectionLossConfig) -> Tensor:
    """The highest of (n,) logits of negatives, out of a random pool where one is asked for."""
    if config.negative_pool is not None and config.negative_pool < len(logits):
        pool = torch.randperm(len(logits), device=logits.device)[: config.negative_pool]
        logits = logits[pool]
    return torch.topk(logits, min(config.hard_negatives, len(logits))).values


def proposal_loss(
    outputs: tuple[Tensor, Tensor], targets: Sequence[AnchorTargets], config: DetectionLossConfig
) -> tuple[Tensor, Tensor]:
    """Classification and regression loss of a batch.

    Half of the binary cross-entropy of the positives plus half of that of the hardest negatives;
    smooth L1 of the positives, summed over (z, y, x, size).

    Args:
        outputs: logits (B, A, D, H, W) and offsets (B, 4 A, D, H, W).
        targets: one per crop.
        config: which negatives count.
    """
    logits, offsets = outputs
    labels = torch.stack([target.labels for target in targets]).to(logits.device)
    wanted = torch.stack([target.offsets for target in targets]).to(logits.device)
    positive = logits[labels == POSITIVE]
    negative = torch.cat(
        [
            hardest_negatives(crop[label == NEGATIVE], config)
            for crop, label in zip(logits, labels, strict=True)
        ]
    )
    entropy = functional.binary_cross_entropy_with_logits
    classification = 0.5 * entropy(negative, torch.zeros_like(negative))
    if not len(positive):
        return classification, offsets.sum() * 0.0
    classification = classification + 0.5 * entropy(positive, torch.ones_like(positive))
    got = offsets.reshape(wanted.shape).movedim(2, -1)[labels == POSITIVE]
    regression = functional.smooth_l1_loss(
        got, wanted.movedim(2, -1)[labels == POSITIVE], reduction="none"
    )
    return classification, regression.sum(1).mean()


def hard_samples(
    features: Tensor, logits: Tensor, truths: Sequence[CropTruth], config: DetectionLossConfig
) -> tuple[Tensor, Tensor]:
    """Feature vectors that the prototypes learn from, and their classes (HSPL).

    A crop with lesions gives the features at their centres; one without is assumed to hold a mimic
    where its best anchor is. Kim, Al-masni et al., Medical Image Analysis (2025).

    Args:
        features: (B, C, D, H, W) of `MicrobleedNet.features`.
        logits: (B, A, D, H, W).
        truths: one per crop.
        config: which mimics are left out.

    Returns:
        (n, C) features and (n,) LESION or MIMIC.
    """
    vectors, classes = [], []
    best = torch.sigmoid(logits.detach()).amax(1)
    for crop, probability, truth in zip(features, best, truths, strict=True):
        cells = _cells_of(truth.lesions[:, :3], probability.shape)
        kind = LESION
        if not len(cells):
            cells, kind = _mimic(probability, truth, config), MIMIC
        vectors += [crop[:, z, y, x] for z, y, x in cells]
        classes += [kind] * len(cells)
    if not vectors:
        return features.new_zeros(0, features.shape[1]), torch.zeros(0, dtype=torch.int64)
    return torch.stack(vectors), torch.tensor(classes, device=features.device)


def _cells_of(centres: Tensor, shape: torch.Size) -> list[tuple[int, int, int]]:
    cells = torch.round((centres - (STRIDE - 1) / 2) / STRIDE).to(torch.int64)
    limits = torch.tensor(shape) - 1
    rows = torch.minimum(cells.clamp(min=0), limits).tolist()
    return [(z, y, x) for z, y, x in rows]


def _mimic(
    probability: Tensor, truth: CropTruth, config: DetectionLossConfig
) -> list[tuple[int, int, int]]:
    place = torch.unravel_index(torch.argmax(probability), probability.shape)
    if float(probability[place]) < config.least_probability:
        return []
    voxel = torch.tensor([float(cell) * STRIDE + (STRIDE - 1) / 2 for cell in place])
    distance = (truth.ignored[:, :3] - voxel).square().sum(1).sqrt()
    if bool((distance < config.ignored_radius).any()):
        return []
    z, y, x = (int(cell) for cell in place)
    return [(z, y, x)]


class ConcentrationLoss(nn.Module):
    """Prototypes of lesions and mimics, and how far features are from their own.

    Convolutional prototype learning (Yang et al., CVPR 2018): cross-entropy over the distances to
    the prototypes, plus a pull to the own one. Distances are divided by the number of features;
    prototypes begin at random, for at zero both would be equally far. Training only.
    """

    def __init__(self, features: int, config: DetectionLossConfig) -> None:
        super().__init__()
        self.config = config
        self.prototypes = nn.Parameter(torch.randn(2, features))

    def forward(self, vectors: Tensor, classes: Tensor) -> Tensor:
        """Mean loss of (n, C) vectors of (n,) classes; 0 where there is none."""
        if not len(vectors):
            return self.prototypes.sum() * 0.0
        apart = vectors[:, None] - self.prototypes[None]
        distance = apart.square().mean(2)
        separation = functional.cross_entropy(-distance / self.config.temperature, classes)
        own = distance.gather(1, classes[:, None]).mean()
        return separation + self.config.pull * 0.5 * own
