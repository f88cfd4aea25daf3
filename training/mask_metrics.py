"""How well an artery mask agrees with the truth, by the definitions of the DIAS paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.stats import rankdata
from skimage.morphology import skeletonize

from training.metrics import dice

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class MaskScores:
    """Scores of one picture (Liu et al., Medical Image Analysis 97:103247, 2024)."""

    dsc: float
    """Dice similarity coefficient."""
    acc: float
    """Share of right pixels."""
    sen: float
    """Share of the arteries found; NaN where there are none."""
    spe: float
    """Share of the background left alone; NaN where there is none."""
    iou: float
    """Intersection over union; 1 where both are empty."""
    auc: float
    """Area under the ROC curve of the probabilities; NaN unless both classes are there."""
    vc: float
    """Vessel connectivity: 8-connected components of the prediction per component of the truth,
    the background counted on both sides; 1 is ideal, above is fragmented."""
    cldice: float
    """Centreline Dice."""


def mask_scores(
    probability: NDArray[np.floating], truth: NDArray[np.bool_], *, threshold: float = 0.5
) -> MaskScores:
    """Scores of probabilities (rows, columns) against a mask of the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    predicted = probability > threshold
    overlap = dice(predicted, truth)
    right_artery, right_rest = int((predicted & truth).sum()), int((~predicted & ~truth).sum())
    arteries, rest = int(truth.sum()), int((~truth).sum())
    return MaskScores(
        dsc=overlap,
        acc=(right_artery + right_rest) / truth.size,
        sen=right_artery / arteries if arteries else float("nan"),
        spe=right_rest / rest if rest else float("nan"),
        iou=overlap / (2.0 - overlap),
        auc=area_under_roc(probability, truth),
        vc=components(predicted) / components(truth),
        cldice=centreline_dice(predicted, truth),
    )


def area_under_roc(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Chance that a random artery pixel scores above a random other; ties count half."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores, axis=None).reshape(truth.shape)
    above = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def components(mask: NDArray[np.bool_]) -> int:
    """8-connected components, the background counted as one."""
    count, _ = cv2.connectedComponents(np.ascontiguousarray(mask, np.uint8), connectivity=8)
    return int(count)


def centreline_dice(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """clDice (Shit et al., CVPR 2021); 1 where both are empty, 0 where one is."""
    if not predicted.any() and not truth.any():
        return 1.0
    precision = _share_inside(skeletonize(predicted), truth)
    sensitivity = _share_inside(skeletonize(truth), predicted)
    total = precision + sensitivity
    return 2 * precision * sensitivity / total if total else 0.0


def _share_inside(line: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    length = int(line.sum())
    return int((line & mask).sum()) / length if length else 0.0
