"""Non-maximum suppression of 2-D and 3-D boxes, and the memory the box kernels reuse."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sdk import _native
from sdk.kernels.checks import (
    check_count,
    check_float32,
    check_fraction,
    check_one_of,
    check_positive,
    given_or_new,
)
from sdk.kernels.device import empty_beside, same_place, shape_of

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

InvalidBoxes = Literal["refuse", "drop"]


class BoxWorkspace:
    """Memory that is reused by every call given this workspace, so that none allocates.

    What such a call returns is a view of this memory, valid until the next call of the same kernel
    with it. It grows to the longest list it has met. One thread at a time may use it.
    """

    def __init__(self) -> None:
        self.scratch = _native.BoxScratch()
        self.kept: Indices = np.empty(0, np.int64)
        self.kept_scores: Floats = np.empty(0, np.float32)
        self.boxes: Any = np.empty((0, 0), np.float32)
        self.scores: Any = np.empty(0, np.float32)
        self.indices: Any = np.empty(0, np.int64)

    def reserve_kept(self, count: int) -> None:
        """Makes room for so many kept boxes."""
        if len(self.kept) < count:
            self.kept = np.empty(count, np.int64)
            self.kept_scores = np.empty(count, np.float32)

    def reserve_boxes(self, count: int, coordinates: int, beside: Any) -> None:
        """Makes room for so many decoded boxes of so many coordinates, where `beside` lives."""
        fits = len(self.boxes) >= count and self.boxes.shape[1] == coordinates
        if not fits or not same_place(self.boxes, beside):
            self.boxes = empty_beside(beside, (count, coordinates), np.float32)
            self.scores = empty_beside(beside, (count,), np.float32)
            self.indices = empty_beside(beside, (count,), np.int64)


@dataclass(frozen=True, kw_only=True)
class NmsOptions:
    """How `nms` decides that two boxes are one."""

    iou_threshold: float
    """A box falls where its intersection with a better one is more than this part of the union."""
    min_distance: float = 0.0
    """It falls also where their centres are closer than this, in the unit of the boxes."""
    max_kept: int | None = None
    """At most so many boxes are kept, the best ones; None for all."""
    invalid: InvalidBoxes = "refuse"
    """What to do with an invalid box: a coordinate or score that is not finite, low >= high
    along an axis, or an area or volume that float32 cannot hold."""

    def __post_init__(self) -> None:
        check_fraction("iou_threshold", self.iou_threshold)
        check_positive("min_distance", self.min_distance, or_zero=True)
        check_float32("the square of min_distance", self.min_distance**2)
        check_one_of("invalid", self.invalid, ("refuse", "drop"))
        check_count("max_kept", self.max_kept)


@dataclass(frozen=True, kw_only=True)
class SoftNmsOptions:
    """How `soft_nms` lowers the scores of boxes that overlap a better one."""

    decay: Literal["linear", "gaussian"] = "gaussian"
    """linear: times 1 - iou, where iou > iou_threshold; gaussian: times exp(-iou^2 / sigma)."""
    iou_threshold: float = 0.3
    """Of the linear decay."""
    sigma: float = 0.5
    """Of the Gaussian decay."""
    score_threshold: float = 0.001
    """A box is kept while its decayed score is above this."""
    max_kept: int | None = None
    """At most so many boxes are kept, the best ones; None for all."""
    invalid: InvalidBoxes = "refuse"
    """As of `NmsOptions`."""

    def __post_init__(self) -> None:
        check_one_of("decay", self.decay, ("linear", "gaussian"))
        check_fraction("iou_threshold", self.iou_threshold)
        check_positive("sigma", self.sigma)
        check_float32("sigma", self.sigma)
        check_positive("score_threshold", self.score_threshold, or_zero=True)
        check_float32("score_threshold", self.score_threshold)
        check_one_of("invalid", self.invalid, ("refuse", "drop"))
        check_count("max_kept", self.max_kept)


def nms(
    boxes: Any,
    scores: Any,
    options: NmsOptions | float,
    *,
    classes: Any = None,
    workspace: BoxWorkspace | None = None,
) -> Indices:
    """Keeps the best of boxes that overlap (greedy non-maximum suppression).

    The order is fully specified, score descending, then index ascending, and everything is computed
    in float32 without a division, so that the answer is the same on every machine and device.

    Args:
        boxes: (n, 4) or (n, 6) float32, rows of [low corner, high corner] in the image's axes; at
            most 32768 of them on a CUDA device.
        scores: (n,) float32, of any sign.
        options: how to decide, or just the IoU threshold.
        classes: (n,) int32; boxes of different classes never suppress each other.
        workspace: memory to reuse.

    Returns:
        (m,) indices of the kept boxes, best first.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, or an invalid box where `options.invalid` is "refuse".
    """
    if not isinstance(options, NmsOptions):
        options = NmsOptions(iou_threshold=options)
    workspace = given_or_new(workspace, BoxWorkspace)
    workspace.reserve_kept(_at_most(options.max_kept, boxes))
    return workspace.kept[: _native.nms(boxes, scores, classes, options, workspace)]


def soft_nms(
    boxes: Any,
    scores: Any,
    options: SoftNmsOptions | None = None,
    *,
    classes: Any = None,
    workspace: BoxWorkspace | None = None,
) -> tuple[Indices, Floats]:
    """Lowers the score of boxes that overlap a better one (Bodla et al., ICCV 2017).

    Of equal scores the lower index is picked first.

    Args:
        boxes: as of `nms`.
        scores: (n,) float32, not negative.
        options: how scores decay.
        classes: (n,) int32; boxes of different classes do not touch each other.
        workspace: memory to reuse.

    Returns:
        (m,) indices of the kept boxes in the order they were picked, and their decayed scores.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, a negative score, or an invalid box where `options.invalid`
            is "refuse".
    """
    options = options or SoftNmsOptions()
    workspace = given_or_new(workspace, BoxWorkspace)
    workspace.reserve_kept(_at_most(options.max_kept, boxes))
    count = _native.soft_nms(boxes, scores, classes, options, workspace)
    return workspace.kept[:count], workspace.kept_scores[:count]


def _at_most(most: int | None, boxes: Any) -> int:
    count = (*shape_of(boxes, "boxes"), 0)[0]
    return count if most is None else min(most, count)
