"""DIAS is read as it lies on disk, or refused with the file and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from training.datasets.dias import DiasError, dias_pool, open_dias
from training.datasets.scribbles import KINDS, UNLABELLED

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sequences 3 (twelve frames) and 1 (two) for training, one without labels."""
    rng = np.random.default_rng(0)
    label = np.zeros((SIDE, SIDE), np.uint8)
    label[8:16] = 255
    drawn = np.full((SIDE, SIDE), 255, np.uint8)
    drawn[12], drawn[20] = 1, 0
    for identity, count in ((3, 12), (1, 2)):
        for index in range(count):
            image = rng.integers(100, 156, (SIDE, SIDE)).astype(np.uint8)
            image[0, 0] = index
            save(tmp_path / "training/images" / f"image_s{identity}_i{index}.png", image)
        save(tmp_path / "training/labels" / f"label_s{identity}.png", label)
        for kind in KINDS:
            path = tmp_path / "training/scribble_labels" / kind / f"label_s{identity}.png"
            save(path, drawn)
    for index in range(3):
        save(tmp_path / "unlabeled_DSA" / f"image_s60_i{index}.png", label + index)
    return tmp_path


def test_sequences_come_by_number_and_frames_by_time(folder: Path) -> None:
    one, three = open_dias(folder, "training")
    assert (one.identity, three.identity) == (1, 3)
    assert three.read_frames()[:, 0, 0].tolist() == list(range(12))
    assert three.read_label().sum() == 8 * SIDE
    assert np.unique(three.read_scribble("SALE")).tolist() == [0, 1, UNLABELLED]


def test_colour_pictures_are_read_as_grey(folder: Path) -> None:
    path = folder / "training/images/image_s1_i0.png"
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    save(path, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    assert np.array_equal(open_dias(folder, "training")[0].read_frames()[0], grey)


def test_both_layouts_of_the_unlabelled_sequences_are_found(folder: Path) -> None:
    (flat,) = open_dias(folder, "unlabeled")
    for path in flat.frames:
        save(folder / "unlabeled_DSA/images" / path.name, cv2.imread(str(path)))
        path.unlink()
    (nested,) = open_dias(folder, "unlabeled")
    assert (nested.identity, len(nested.frames)) == (flat.identity, len(flat.frames)) == (60, 3)
    with pytest.raises(DiasError, match="frames alone"):
        nested.read_label()


def test_a_pool_keeps_every_frame_and_label(folder: Path) -> None:
    pool = dias_pool(open_dias(folder, "training"), SIDE)
    assert np.diff(pool.starts).tolist() == [2, 12]
    entry = pool.sequence(1)
    assert entry.union.sum() == 8 * SIDE
    assert entry.scribbles.shape == (2, SIDE, SIDE)
    assert len(entry.filled) == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "training/images/image_s3_i5.png").unlink(), r"lacks the frames \[5\]"),
        (lambda f: (f / "training/labels/label_s1.png").unlink(), "needs its label"),
        (
            lambda f: save(f / "training/images/image_s1_i1.png", np.zeros((8, 8), np.uint8)),
            "as the first frame",
        ),
        (
            lambda f: save(f / "training/labels/label_s1.png", np.zeros((8, 8), np.uint8)),
            "its frames have",
        ),
        (
            lambda f: save(
                f / "training/scribble_labels/SALE/label_s1.png",
                np.full((SIDE, SIDE), 128, np.uint8),
            ),
            r"grey values \[128\]",
        ),
        (
            lambda f: (f / "training/images/image_s1_i0.png").write_bytes(b"no picture"),
            "not a picture that can be read",
        ),
    ],
)
def test_what_is_wrong_is_said(folder: Path, damage, message: str) -> None:
    damage(folder)
    with pytest.raises(DiasError, match=message):
        dias_pool(open_dias(folder, "training"), SIDE)


def test_other_codes_are_taken_when_they_are_given(folder: Path) -> None:
    path = folder / "training/scribble_labels/RDFA/label_s1.png"
    save(path, np.full((SIDE, SIDE), 128, np.uint8))
    codes = open_dias(folder, "training")[0].read_scribble("RDFA", {128: UNLABELLED})
    assert (codes == UNLABELLED).all()


def test_a_part_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(DiasError, match="there is no folder"):
        open_dias(folder, "validation")
    with pytest.raises(DiasError, match="got 'holiday'"):
        open_dias(folder, "holiday")
