"""Weighted box fusion: the boxes several networks found of one object become their mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk import _native
from sdk.kernels.boxes import Floats, InvalidBoxes
from sdk.kernels.checks import check_fraction, check_one_of, check_positive


@dataclass(frozen=True, kw_only=True)
class FusionOptions:
    """How `weighted_box_fusion` makes one box of several."""

    iou_threshold: float = 0.55
    """A box joins the cluster whose mean it overlaps most, if by more than this."""
    weights: Sequence[float] | None = None
    """How much each network is trusted; None for all alike."""
    invalid: InvalidBoxes = "refuse"
    """As of `NmsOptions`."""

    def __post_init__(self) -> None:
        check_fraction("iou_threshold", self.iou_threshold)
        check_one_of("invalid", self.invalid, ("refuse", "drop"))
        for weight in self.weights or ():
            check_positive("weights", weight)

    @property
    def total_weight(self) -> float:
        """What the weights sum to."""
        return float(sum(self.weights or ()))


@dataclass(frozen=True, kw_only=True)
class FusedBoxes:
    """Boxes that several networks agree on, score descending."""

    boxes: Floats
    """(m, 2 d): the mean of the cluster, weighted by score."""
    scores: Floats
    """(m,): the mean score, times min(members, sum of weights) / sum of weights."""
    classes: NDArray[np.int32] | None
    """(m,), where the boxes had classes."""
    members: NDArray[np.int32]
    """(m,): how many boxes became one."""

    @classmethod
    def empty(cls, shape: tuple[int, ...], *, with_classes: bool) -> "FusedBoxes":
        """Memory for so many boxes of so many coordinates."""
        return cls(
            boxes=np.empty(shape, np.float32),
            scores=np.empty(shape[0], np.float32),
            classes=np.empty(shape[0], np.int32) if with_classes else None,
            members=np.empty(shape[0], np.int32),
        )

    def first(self, count: int) -> "FusedBoxes":
        """The first so many boxes."""
        return FusedBoxes(
            boxes=self.boxes[:count],
            scores=self.scores[:count],
            classes=None if self.classes is None else self.classes[:count],
            members=self.members[:count],
        )


def weighted_box_fusion(
    boxes: Sequence[Any],
    scores: Sequence[Any],
    options: FusionOptions | None = None,
    *,
    classes: Sequence[Any] | None = None,
) -> FusedBoxes:
    """Fuses the boxes of several networks (Solovyev et al., Image and Vision Computing 107, 2021).

    Boxes are taken by score times weight, descending, then network and index ascending. A box joins
    the cluster of its class whose mean it overlaps most, the older of equals.

    Args:
        boxes: for each network (n_i, 4) or (n_i, 6) float32 rows of [low corner, high corner].
        scores: for each network (n_i,) float32, positive.
        options: when boxes are one, and how much each network is trusted.
        classes: for each network (n_i,) int32.

    Returns:
        New arrays; the lists are joined by copying them.

    Raises:
        TypeError: another dtype.
        ValueError: lists of different lengths, another shape, a score that is not positive, or a
            box that is none where `options.invalid` is "refuse".
    """
    options = options or FusionOptions()
    weights = options.weights or (1.0,) * len(boxes)
    options = replace(options, weights=weights)
    _check_lengths(len(boxes), scores=scores, classes=classes, weights=weights)
    joined = np.concatenate(boxes)
    weighted = np.concatenate([s * np.float32(w) for s, w in zip(scores, weights, strict=True)])
    joined_classes = None if classes is None else np.concatenate(classes)
    out = FusedBoxes.empty(joined.shape, with_classes=classes is not None)
    return out.first(_native.fuse_boxes(joined, weighted, joined_classes, options, out))


def _check_lengths(networks: int, **lists: Sequence[Any] | None) -> None:
    if not networks:
        raise ValueError("boxes must hold the boxes of one network at least, got none; add them")
    for name, values in lists.items():
        if values is not None and len(values) != networks:
            raise ValueError(
                f"{name} must have one entry per network, {networks}, got {len(values)}; "
                "list the networks in the same order everywhere"
            )
