"""Connected components and editing by component, against OpenCV, cc3d, fill_voids and kornia-rs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.timing import MISSING, Row, paired, print_table
from sdk import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.uint8]
    Peers = dict[str, Callable[[], Any] | None]

VOLUME = (72, 448, 512)
SMALL = 50  # pixels or voxels; components below are removed
WORKSPACE = kernels.ComponentsWorkspace()
OPENCV = ("CCL_GRANA", "CCL_SPAGHETTI", "CCL_WU")


def vessel_mask(side: int, vessels: int) -> Mask:
    """Winding vessels of 2 to 8 pixels and specks of noise; 255 where they are."""
    rng = np.random.default_rng(0)
    mask = np.zeros((side, side), np.uint8)
    for _ in range(vessels):
        turns = rng.normal(0, 0.12, side // 3).cumsum() + rng.uniform(0, 2 * np.pi)
        path = 3 * np.stack([np.cos(turns), np.sin(turns)], 1).cumsum(0)
        points = np.int32(path + rng.uniform(0.1 * side, 0.9 * side, 2))
        cv2.polylines(mask, [points], isClosed=False, color=255, thickness=int(rng.integers(2, 9)))
    for centre in rng.integers(0, side, (side // 4, 2)):
        cv2.circle(mask, centre.tolist(), int(rng.integers(1, 3)), 255, -1)
    return mask


def vessel_volume() -> Mask:
    """Winding tubes and balls in about 0.5 % of the voxels."""
    rng = np.random.default_rng(0)
    volume = np.zeros(VOLUME, np.uint8)
    for _ in range(60):
        r = int(rng.integers(2, 7))
        ball = sum(axis**2 for axis in np.ogrid[-r : r + 1, -r : r + 1, -r : r + 1]) <= r * r
        z, y, x = rng.integers(7, np.array(VOLUME) - 7)
        volume[z - r : z + r + 1, y - r : y + r + 1, x - r : x + r + 1] |= ball
    for _ in range(25):
        steps = rng.normal(0, [0.1, 0.15, 0.15], (300, 3)).cumsum(0) + rng.normal(size=3)
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        path = steps.cumsum(0) + rng.uniform(0.2, 0.8, 3) * VOLUME
        for z, y, x in np.clip(path, 1, np.array(VOLUME) - 2).astype(int):
            volume[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = 1
    return volume


def noise(shape: tuple[int, ...]) -> Mask:
    """Half of the pixels, at random: the most runs a mask can be expected to have."""
    return np.random.default_rng(1).integers(0, 2, shape, np.uint8)


def smooth_noise(shape: tuple[int, ...]) -> Mask:
    """Thousands of blobs of some pixels."""
    field = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    for axis in range(field.ndim):
        field = np.sum([np.roll(field, i, axis) for i in range(-2, 3)], axis=0) / 5**0.5
    return (field > 1.4).astype(np.uint8)


def check(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(f"a peer disagrees: {what}")


def check_labels(ours: NDArray[Any], theirs: NDArray[Any]) -> None:
    """The same components, whatever their numbers."""
    pairs = np.unique(ours.astype(np.int64).ravel() << 32 | theirs.ravel())
    counts = [len(np.unique(pairs >> 32)), len(np.unique(pairs & 0xFFFFFFFF)), len(pairs)]
    check(len(set(counts)) == 1, f"labels, {counts}")


def check_opencv(mask: Mask, connectivity: int) -> None:
    labels = np.empty(mask.shape, np.int32)
    ours = kernels.components(mask, connectivity=connectivity, labels=labels)
    count, theirs, table, centroids = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, connectivity, cv2.CV_32S, cv2.CCL_WU
    )
    check(count - 1 == ours.count, "count")
    check(np.array_equal(labels, theirs), "labels")
    check(np.array_equal(table[1:, cv2.CC_STAT_AREA], ours.sizes), "sizes")
    left_top = table[1:, [cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT]]
    extent = table[1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    check(np.array_equal(np.hstack([left_top, left_top + extent]), ours.boxes), "boxes")
    check(np.allclose(centroids[1:, ::-1], ours.centroids, rtol=1e-12), "centroids")


def opencv_statistics(mask: Mask, connectivity: int) -> Peers:
    check_opencv(mask, connectivity)
    call = cv2.connectedComponentsWithStatsWithAlgorithm
    return {
        f"OpenCV {name}": partial(call, mask, connectivity, cv2.CV_32S, getattr(cv2, name))
        for name in OPENCV
    }


def label_peers(mask: Mask, labels: NDArray[np.int32]) -> Peers:
    """OpenCV's and kornia-rs' labels alone, 8-connected."""
    peers: Peers = {"OpenCV labels": partial(cv2.connectedComponents, mask, labels.copy())}
    try:
        from kornia_rs import imgproc
    except ImportError:
        peers["kornia-rs labels"] = None
    else:
        peers["kornia-rs labels"] = partial(imgproc.connected_components, mask[..., None])
        _, theirs = imgproc.connected_components(mask[..., None])
        check(np.array_equal(np.squeeze(theirs), labels), "labels")
    check_labels(labels, cv2.connectedComponents(mask)[1])
    return peers


def cc3d_peer(mask: Mask, connectivity: int, *, statistics: bool) -> Peers:
    try:
        import cc3d
    except ImportError:
        return {"cc3d": None}

    def label() -> Any:
        return cc3d.connected_components(mask, connectivity=connectivity)

    def tabulate() -> Any:
        return cc3d.statistics(label())

    labels = np.empty(mask.shape, np.uint32)
    ours = kernels.components(mask, connectivity=connectivity, labels=labels)
    check_labels(labels, label())
    check(np.array_equal(np.sort(tabulate()["voxel_counts"][1:]), np.sort(ours.sizes)), "sizes")
    return {"cc3d + statistics": tabulate} if statistics else {"cc3d labels alone": label}


def dust_peer(mask: Mask, out: Mask) -> Peers:
    try:
        import cc3d
    except ImportError:
        return {"cc3d.dust": None}
    connectivity = 8 if mask.ndim == 2 else 26
    dust = partial(cc3d.dust, mask, threshold=SMALL, connectivity=connectivity)
    check(np.array_equal(dust(), out), "what is removed")
    return {"cc3d.dust": dust}


def fill_peer(mask: Mask, out: Mask) -> Peers:
    try:
        import fill_voids
    except ImportError:
        return {"fill_voids": None}
    check(np.array_equal(fill_voids.fill(mask) != 0, out != 0), "what is filled")
    return {"fill_voids": partial(fill_voids.fill, mask)}


def measured(job: str, ours: Callable[[], object], peers: Peers, target: float | None) -> Row:
    present = {name: call for name, call in peers.items() if call}
    ours_ms, peers_ms = paired(ours, present)
    peers_ms |= {name: MISSING for name in peers if name not in present}
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=target, note="1 thread")


def image_rows(mask: Mask, name: str, target: float | None) -> list[Row]:
    """One image: statistics, labels, removal and filling."""
    job = f"{name} {mask.shape[0]}^2"
    labels, out = np.empty(mask.shape, np.int32), np.empty_like(mask)
    found = partial(kernels.components, mask, workspace=WORKSPACE)
    four = partial(kernels.components, mask, connectivity=4, workspace=WORKSPACE)
    painted = partial(kernels.components, mask, labels=labels, workspace=WORKSPACE)
    removed = partial(kernels.remove_small, mask, SMALL, out=out, workspace=WORKSPACE)
    painted()
    removed()
    rows = [
        measured(f"statistics, 8, {job}", found, opencv_statistics(mask, 8), target),
        measured(f"statistics, 4, {job}", four, opencv_statistics(mask, 4), target),
        measured(f"labels + statistics, {job}", painted, label_peers(mask, labels), 1),
        measured(f"remove small, {job}", removed, dust_peer(mask, out), None),
    ]
    filled = partial(kernels.fill_holes, mask, out=out, workspace=WORKSPACE)
    filled()
    return [*rows, measured(f"fill holes, {job}", filled, fill_peer(mask, out), None)]


def frame_row() -> Row:
    """What a live frame costs: statistics of the vessel mask and removal of specks, in place."""
    mask = vessel_mask(512, 12)
    cleaned = mask.copy()

    def ours() -> object:
        np.copyto(cleaned, mask)
        kernels.remove_small(cleaned, SMALL, workspace=WORKSPACE)
        return kernels.components(cleaned, workspace=WORKSPACE)

    def opencv() -> object:
        call = cv2.connectedComponentsWithStatsWithAlgorithm
        _, labels, table, _ = call(mask, 8, cv2.CV_32S, cv2.CCL_GRANA)
        keep = table[:, cv2.CC_STAT_AREA] >= SMALL
        keep[0] = False
        return keep.astype(np.uint8)[labels]

    ours()
    check(np.array_equal(cleaned != 0, opencv() != 0), "what is removed")
    share = np.count_nonzero(mask) / mask.size
    job = f"remove small, then statistics, vessels 512^2 ({share:.0%})"
    return measured(job, ours, {"OpenCV CCL_GRANA + table": opencv}, 3)


def volume_rows(
    mask: Mask, name: str, connectivity: int, targets: tuple[float, float]
) -> list[Row]:
    """Statistics of a volume, against cc3d with its statistics and against its labels alone."""
    job = f"{name} {'x'.join(map(str, mask.shape[::-1]))}, {connectivity}"
    ours = partial(kernels.components, mask, connectivity=connectivity, workspace=WORKSPACE)
    same, labels = (cc3d_peer(mask, connectivity, statistics=given) for given in (True, False))
    return [
        measured(f"statistics, {job}", ours, same, targets[0]),
        measured(f"statistics against labels, {job}", ours, labels, targets[1]),
    ]


def volume_edit_rows(mask: Mask, name: str) -> list[Row]:
    out, painted = np.empty_like(mask), np.empty(mask.shape, np.uint32)
    labelled = partial(kernels.components, mask, labels=painted, workspace=WORKSPACE)
    removed = partial(kernels.remove_small, mask, SMALL, out=out, workspace=WORKSPACE)
    filled = partial(kernels.fill_holes, mask, out=out, workspace=WORKSPACE)
    removed()
    dust = dust_peer(mask, out)
    filled()
    fill = fill_peer(mask, out)
    labels = cc3d_peer(mask, 26, statistics=False)
    return [
        measured(f"labels + statistics, {name} volume", labelled, labels, 1),
        measured(f"remove small, {name} volume", removed, dust, 8),
        measured(f"fill holes, {name} volume", filled, fill, 8),
    ]


def rows() -> list[Row]:
    """Sparse, dense and noise; also where others are close."""
    cv2.setNumThreads(1)
    side = (1024, 1024)
    vessels = vessel_volume()
    result = [frame_row(), *image_rows(vessel_mask(512, 12), "vessels", 3)]
    result += image_rows(vessel_mask(1024, 40), "vessels", 3)
    result += image_rows(noise(side), "noise", None)
    result += image_rows(smooth_noise(side), "smooth noise", None)
    for connectivity in (26, 18, 6):
        result += volume_rows(vessels, "vessels", connectivity, (8, 1))
        result += volume_rows(noise(VOLUME), "noise", connectivity, (1, 1 / 1.2))
        result += volume_rows(smooth_noise(VOLUME), "smooth noise", connectivity, (1, 1 / 1.2))
    result += volume_rows(np.ones(VOLUME, np.uint8), "solid", 26, (1, 1))
    result += volume_edit_rows(vessels, "vessel")
    return result + volume_edit_rows(smooth_noise(VOLUME), "smooth-noise")


if __name__ == "__main__":
    print_table(rows())
