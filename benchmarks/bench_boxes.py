"""Boxes of a detection head, against NumPy, OpenCV, MONAI and ensemble-boxes, same boxes kept."""

from __future__ import annotations

import warnings
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.timing import MISSING, Row, paired, print_table
from sdk import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Peers = dict[str, Callable[[], object]]

IOU = 0.3137  # no whole boxes meet at exactly this
NOTE = "1 thread"
SIZES = {2: (1024, 1024), 3: (72, 448, 512)}
ANCHORS = 98304


def clusters(n: int, d: int, count: int | None = None) -> tuple[Array, Array]:
    """Boxes of whole pixels around objects: 50 for each, or `count` objects in all."""
    rng = np.random.default_rng(0)
    objects = rng.uniform(0, 1, (count or max(20, n // 50), d)) * SIZES[d]
    centres = objects[rng.integers(0, len(objects), n)] + rng.normal(0, 3, (n, d))
    sizes = np.abs(rng.normal(12, 4, (n, d))) + 3
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], 1).round()
    return boxes.astype(np.float32), (rng.permutation(n).astype(np.float32) + 1) / n


def numpy_nms(boxes: Array, scores: Array) -> Array:
    """The greedy loop, one vectorised step per kept box."""
    d = boxes.shape[1] // 2
    low, high = boxes[:, :d], boxes[:, d:]
    measure = np.prod(high - low, 1)
    left, kept = np.argsort(-scores, kind="stable"), []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        sides = np.minimum(high[best], high[left]) - np.maximum(low[best], low[left])
        shared = np.prod(np.maximum(sides, 0), 1)
        union = measure[best] + measure[left] - shared
        left = left[shared <= np.float32(IOU) * union]
    return np.array(kept)


def monai_nms(boxes: Array, scores: Array) -> Callable[[], Array] | None:
    """MONAI's loop in torch, or None where it is not installed."""
    if not (find_spec("monai") and find_spec("torch")):
        return None
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.data.box_utils import non_max_suppression
    torch.set_num_threads(1)
    return partial(non_max_suppression, torch.from_numpy(boxes), torch.from_numpy(scores), IOU)


def opencv_nms(boxes: Array, scores: Array) -> Callable[[], Array]:
    """OpenCV's, which takes [x, y, width, height]; the conversion is not timed."""
    y0, x0, y1, x1 = boxes.T
    return partial(cv2.dnn.NMSBoxes, np.stack([x0, y0, x1 - x0, y1 - y0], 1), scores, 0.0, IOU)


def ensemble(name: str, boxes: Array, scores: Array, **options: float) -> Callable[[], Any] | None:
    """One of ensemble-boxes' functions, which take [x, y] (or [x, y, z]) from 0 to 1."""
    if not find_spec("ensemble_boxes"):
        return None
    import ensemble_boxes

    shift = boxes.min()
    unit = (boxes - shift) / np.ptp(boxes)
    function = getattr(ensemble_boxes, name)
    return partial(function, [unit], [scores], [np.zeros(len(boxes))], iou_thr=IOU, **options)


def time_row(job: str, ours: Callable[[], object], peers: dict[str, Any], **row: Any) -> Row:
    """Times those that are installed."""
    present: Peers = {name: peer for name, peer in peers.items() if peer}
    repeats = row.pop("repeats", 21)
    ours_ms, peers_ms = paired(ours, present, repeats=repeats, warm=2)
    missing = {name: MISSING for name, peer in peers.items() if not peer}
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms | missing, note=NOTE, **row)


def nms_row(name: str, boxes: Array, scores: Array, target: float | None) -> Row:
    workspace = kernels.BoxWorkspace()
    ours = partial(kernels.nms, boxes, scores, IOU, workspace=workspace)
    kept = ours().copy()
    d = boxes.shape[1] // 2
    peers: dict[str, Any] = {"NumPy": partial(numpy_nms, boxes, scores)}
    if d == 3:
        peers["MONAI"] = monai_nms(boxes, scores)
    else:
        peers["cv2.dnn.NMSBoxes"] = opencv_nms(boxes, scores)
    for peer in filter(None, peers.values()):
        np.testing.assert_array_equal(np.asarray(peer()).ravel(), kept)
    if d == 2 and (peer := ensemble("nms", boxes, scores)):
        np.testing.assert_array_equal(np.sort(peer()[1])[::-1], scores[kept])
        peers["ensemble-boxes"] = peer
    job = f"{d}-D NMS, {len(boxes)} boxes, {name}, {len(kept)} kept"
    slow = len(boxes) * len(kept) > 1e6
    return time_row(job, ours, peers, target=target, repeats=5 if slow else 21)


def soft_nms_row() -> Row:
    boxes, scores = clusters(1000, 2)
    options = kernels.SoftNmsOptions(sigma=0.5, score_threshold=0.05)
    ours = partial(kernels.soft_nms, boxes, scores, options, workspace=kernels.BoxWorkspace())
    peer = ensemble("soft_nms", boxes, scores, sigma=0.5, thresh=0.05)
    if peer:
        kept, _ = ours()  # the peer gives back the scores of before
        np.testing.assert_allclose(np.sort(peer()[1]), np.sort(scores[kept]), rtol=1e-6)
    return time_row("2-D soft-NMS, 1000 boxes", ours, {"ensemble-boxes": peer}, repeats=7)


def fusion_row(n: int) -> Row:
    boxes, scores = clusters(n, 3)
    options = kernels.FusionOptions(iou_threshold=IOU)
    ours = partial(kernels.weighted_box_fusion, [boxes], [scores], options)
    peer = ensemble("weighted_boxes_fusion_3d", boxes, scores)
    if peer:
        np.testing.assert_allclose(np.sort(peer()[1]), np.sort(ours().scores), rtol=1e-4)
    return time_row(f"3-D box fusion, {n} boxes", ours, {"ensemble-boxes": peer}, repeats=5)


def decode_row(above: float) -> Row:
    """All anchors of a tile; the peer, too, decodes the candidates alone."""
    rng = np.random.default_rng(0)
    anchors = rng.uniform(5, 128, (ANCHORS, 6)).astype(np.float32)
    offsets = rng.normal(0, 0.2, (ANCHORS, 6)).astype(np.float32)
    logits = rng.normal(-6, 1, ANCHORS).astype(np.float32)
    options = kernels.DecodeOptions(score_threshold=above)
    workspace = kernels.BoxWorkspace()
    ours = partial(kernels.decode_boxes, anchors, offsets, logits, options, workspace=workspace)

    def in_numpy() -> tuple[Array, Array]:
        found = np.flatnonzero(logits > np.float32(options.logit_threshold))
        found = found[np.argsort(-logits[found], kind="stable")[: options.top]]
        anchor, offset = anchors[found], offsets[found]
        half = anchor[:, 3:] * np.exp(np.minimum(offset[:, 3:], options.max_log_size)) / 2
        centre = anchor[:, :3] + offset[:, :3] * anchor[:, 3:]
        return np.concatenate([centre - half, centre + half], 1), 1 / (1 + np.exp(-logits[found]))

    decoded = ours()
    np.testing.assert_allclose(decoded.boxes, in_numpy()[0], rtol=1e-4, atol=1e-3)
    job = f"decode {ANCHORS} anchors, {len(decoded.boxes)} boxes"
    return time_row(job, ours, {"NumPy": in_numpy})


def rows() -> list[Row]:
    """Crowded, sparse and hopeless lists."""
    cv2.setNumThreads(1)
    return [
        nms_row("50 per object", *clusters(1000, 3), 30.0),
        nms_row("50 per object", *clusters(5000, 3), 30.0),
        nms_row("one object", *clusters(5000, 3, 1), None),
        nms_row("an object each", *clusters(2000, 3, 2000), None),
        nms_row("50 per object", *clusters(1000, 2), 3.0),
        nms_row("50 per object", *clusters(5000, 2), 3.0),
        nms_row("an object each", *clusters(2000, 2, 2000), None),
        soft_nms_row(),
        fusion_row(300),
        decode_row(0.3),
        decode_row(0.01),
    ]


if __name__ == "__main__":
    print_table(rows())
