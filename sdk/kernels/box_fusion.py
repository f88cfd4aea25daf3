"""Weighted box fusion: the boxes several networks found of one object become their mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk import _native
from sdk.kernels.boxes import Floats, InvalidBoxes
from sdk.kernels.checks import check_fraction, check_one_of, check_positive, tuple_of


@dataclass(frozen=True, kw_only=True)
class FusionOptions:
    """How `weighted_box_fusion` makes one box of several."""

    iou_threshold: float = 0.55
    """A box joins the cluster whose mean it overlaps most, if by more than this."""
    weights: Sequence[float] | None = None
    """How much each network is trusted; only ratios matter. None for all alike."""
    invalid: InvalidBoxes = "refuse"
    """As of `NmsOptions`."""

    def __post_init__(self) -> None:
        check_fraction("iou_threshold", self.iou_threshold)
        check_one_of("invalid", self.invalid, ("refuse", "drop"))
        if self.weights is not None:
            weights = tuple_of("weights", self.weights, check_positive)
            object.__setattr__(self, "weights", weights)

    @property
    def total_weight(self) -> float:
        """What the weights sum to."""
        return float(sum(() if self.weights is None else self.weights))


@dataclass(frozen=True, kw_only=True)
class FusedBoxes:
    """Boxes that several networks agree on, score descending."""

    boxes: Floats
    """(m, 2 d): the mean of the cluster, weighted by score."""
    scores: Floats
    """(m,): the mean of scores times weights, times min(members, networks) / sum of weights."""
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
        ValueError: lists of different lengths, scores or classes that are not one per box, another
            shape, a score that is not positive, or an invalid box where `options.invalid` is
            "refuse".
    """
    options = options or FusionOptions()
    weights = (1.0,) * len(boxes) if options.weights is None else options.weights
    _check_lengths(len(boxes), scores=scores, classes=classes, weights=weights)
    options = replace(options, weights=[weight / max(weights) for weight in weights])
    found = _boxes_of(boxes)
    joined, counts = np.concatenate(found), [len(array) for array in found]
    weighted = _joined("scores", scores, np.float32, counts)
    weighted = weighted * np.repeat(np.array(options.weights, np.float32), counts)
    joined_classes = None if classes is None else _joined("classes", classes, np.int32, counts)
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


def _boxes_of(networks: Sequence[Any]) -> list[NDArray[Any]]:
    arrays = _typed("boxes", networks, np.float32)
    if {array.shape[1:] for array in arrays} not in ({(4,)}, {(6,)}):
        raise ValueError(
            "boxes must be (n, 4) of every network, or (n, 6) of every one, got "
            f"{[array.shape for array in arrays]}; each row is the low corner, then the high corner"
        )
    return arrays


def _joined(name: str, networks: Sequence[Any], dtype: Any, counts: Sequence[int]) -> NDArray[Any]:
    """One value per box of each network."""
    arrays = _typed(name, networks, dtype)
    for network, (array, count) in enumerate(zip(arrays, counts, strict=True)):
        if array.shape != (count,):
            raise ValueError(
                f"{name} must have one value per box, ({count},) from network {network}, got "
                f"{array.shape}; pass them in the order of boxes"
            )
    return np.concatenate(arrays)


def _typed(name: str, networks: Sequence[Any], dtype: Any) -> list[NDArray[Any]]:
    arrays = [np.asarray(array) for array in networks]
    for network, array in enumerate(arrays):
        if array.dtype != dtype:
            raise TypeError(
                f"{name} must be {np.dtype(dtype)}, got {array.dtype} {array.shape} from network "
                f"{network}; convert it explicitly, nothing is cast in silence"
            )
    return arrays
