"""From a detection head's logits and offsets to boxes."""

import math
from dataclasses import dataclass
from typing import Any

from sdk import _native
from sdk._native import DeviceArray
from sdk.kernels.boxes import BoxWorkspace, Floats, Indices
from sdk.kernels.checks import (
    check_count,
    check_fraction,
    check_integer,
    check_positive,
    given_or_new,
    tuple_of,
)
from sdk.kernels.device import first, shape_of


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How `decode_boxes` reads a detection head."""

    score_threshold: float
    """A candidate's probability is above this. It is compared as a logit."""
    top: int = 1000
    """At most so many candidates are decoded, the best ones."""
    extent: tuple[int, ...] | None = None
    """Size of the image along each axis; boxes are clipped to [-0.5, size - 0.5], its outer border
    where 0 is the centre of the first pixel. None leaves them as they are."""
    max_log_size: float = math.log(1000 / 16)
    """The offset of a size is clamped to it, so that an untrained head cannot overflow."""

    def __post_init__(self) -> None:
        check_fraction("score_threshold", self.score_threshold)
        check_positive("max_log_size", self.max_log_size)
        check_integer("top", self.top)
        check_count("top", self.top)
        if self.extent is not None:
            tuple_of("extent", self.extent, check_positive)

    @property
    def logit_threshold(self) -> float:
        """The score threshold as a logit."""
        p = self.score_threshold
        if p in (0.0, 1.0):
            return math.inf if p else -math.inf
        return math.log(p / (1.0 - p))


@dataclass(frozen=True, kw_only=True)
class DecodedBoxes:
    """Candidates of a detection head: logit descending, then index ascending.

    On a CUDA device they stay there, as `DeviceArray`.
    """

    boxes: Floats | DeviceArray
    """(m, 2 d) float32: low corner, high corner."""
    scores: Floats | DeviceArray
    """(m,) float32: probabilities."""
    indices: Indices | DeviceArray
    """(m,) int64: which anchor each came from."""


def decode_boxes(
    anchors: Any,
    offsets: Any,
    logits: Any,
    options: DecodeOptions,
    *,
    workspace: BoxWorkspace | None = None,
) -> DecodedBoxes:
    """Decodes the candidates of a detection head; nothing is computed for the other anchors.

    centre = anchor centre + offset * anchor size; size = anchor size * exp(offset of size).

    Args:
        anchors: (n, 2 d) float32 rows of [centre, size], d = 2 or 3.
        offsets: float32 (n, k), or (groups, k, cells) as a network writes them; k = 2 d, or d + 1
            where all axes share one offset of size.
        logits: float32 (n,), or (groups, cells). NaN is no candidate.
        options: which are candidates, and where boxes end.
        workspace: memory to reuse.

    Returns:
        The candidates. Those whose box is not finite, or empty after clipping, are left out.

    Raises:
        TypeError: another dtype.
        ValueError: another shape.
    """
    workspace = given_or_new(workspace, BoxWorkspace)
    count, coordinates = (*shape_of(anchors, "anchors"), 0, 0)[:2]
    workspace.reserve_boxes(min(options.top, count), coordinates, beside=logits)
    count = _native.decode_boxes(anchors, offsets, logits, options, workspace)
    return DecodedBoxes(
        boxes=first(workspace.boxes, count),
        scores=first(workspace.scores, count),
        indices=first(workspace.indices, count),
    )
