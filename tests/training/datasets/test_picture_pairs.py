"""Pictures and masks are paired by name and read as they are stored, or refused with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from picture_folders import picture_folder, save, vessel

from training.datasets.angiogram_pool import UNGRADED
from training.datasets.picture_pairs import (
    PictureError,
    angiogram_pairs,
    open_pairs,
    placed,
    sequence_pairs,
)

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return picture_folder(tmp_path, SIDE)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".npy"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_values_stay_as_they_are_stored(tmp_path: Path, suffix: str, dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (9, 12)).astype(dtype)
    save(tmp_path / "training/images" / f"a{suffix}", pixels)
    save(tmp_path / "training/masks/a.png", (pixels > 100).astype(np.uint8))
    read, mask = open_pairs(tmp_path, "training")[0].read()
    assert read.dtype == dtype
    assert np.array_equal(read, pixels)
    assert np.array_equal(mask, pixels > 100)


def test_pairs_come_by_name_and_partners_may_have_another_suffix(folder: Path) -> None:
    for index in range(3):
        path = folder / f"training/masks/p{index}.png"
        save(path.with_suffix(".npy"), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0)
        path.unlink()
    pairs = open_pairs(folder, "training")
    assert [(p.image.name, p.mask.name) for p in pairs] == [
        (f"p{n}.png", f"p{n}.npy") for n in range(3)
    ]
    assert pairs[1].read()[1].any()


def test_grey_that_is_stored_as_colour_is_grey(folder: Path) -> None:
    path = folder / "training/images/p0.png"
    grey = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    save(path, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    assert np.array_equal(open_pairs(folder, "training")[0].read()[0], grey)


def spoil(name: str, pixels: np.ndarray):
    return lambda folder: save(folder / "training" / name, pixels)


def two_pages(folder: Path) -> None:
    (folder / "training/images/p0.png").unlink()
    page = np.zeros((SIDE, SIDE), np.uint8)
    cv2.imwritemulti(str(folder / "training/images/p0.tif"), [page, page])


ZERO = np.zeros((SIDE, SIDE), np.uint8)
COLOUR = np.stack([ZERO, ZERO, ZERO + 9], -1)
FAULTS = {
    "no mask": (lambda f: (f / "training/masks/p1.png").unlink(), r"masks lacks .* for p1; every"),
    "no image": (lambda f: (f / "training/images/p2.png").unlink(), r"images lacks .* for p2;"),
    "size": (spoil("masks/p0.png", ZERO[:9]), r"has \(9, 64\) pixels, its picture has \(64, 64\)"),
    "grey mask": (spoil("masks/p0.png", np.diag(np.arange(SIDE, dtype=np.uint8))), "64 values"),
    "no zero": (spoil("masks/p0.png", ZERO + 1 + np.eye(SIDE, dtype=np.uint8)), r"\(1, 2\)"),
    "colour": (spoil("images/p0.png", COLOUR), "expected one grey picture"),
    "volume": (spoil("images/p9.npy", np.zeros((2, 3, 4, 5))), "p9; every"),
    "pages": (two_pages, "holds 2 pages"),
    "twice": (spoil("images/p0.tif", ZERO), "have one name"),
    "suffix": (lambda f: (f / "training/images/notes.jpg").touch(), r"none of \.png"),
    "rubbish": (
        lambda f: (f / "training/images/p0.png").write_bytes(b"no picture"),
        "not a picture that can be read",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_file(folder: Path, fault: str) -> None:
    damage, message = FAULTS[fault]
    damage(folder)
    with pytest.raises(PictureError, match=message):
        angiogram_pairs(folder, "training", SIDE)


def test_float_pictures_are_refused(folder: Path) -> None:
    (folder / "training/images/p0.png").unlink()
    save(folder / "training/images/p0.npy", np.zeros((SIDE, SIDE), np.float32))
    with pytest.raises(PictureError, match="holds float32 values, expected uint8 or uint16"):
        open_pairs(folder, "training")[0].read()


def test_many_missing_partners_are_counted(folder: Path) -> None:
    for index in range(3, 12):
        save(folder / f"training/images/p{index:02}.png", ZERO)
    with pytest.raises(PictureError, match=r"p03, p04, p05, p06, p07 and 4 more"):
        open_pairs(folder, "training")


def test_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="images and masks side by side"):
        open_pairs(tmp_path, "training")


def test_grades_come_from_their_table(folder: Path) -> None:
    table = folder / "training/grades.csv"
    table.write_text("name,grade\np0,2\np2,0\n")
    assert [pair.grade for pair in open_pairs(folder, "training")] == [2, UNGRADED, 0]
    for row in ("p0,3", "p7,1", "p0,good"):
        table.write_text(f"name,grade\n{row}\n")
        with pytest.raises(PictureError, match="line 2: expected the name of a picture"):
            open_pairs(folder, "training")
    table.write_text("name,quality\np0,1\n")
    with pytest.raises(PictureError, match="columns name and grade"):
        open_pairs(folder, "training")


def test_ungraded_frames_teach_vessels_alone(folder: Path) -> None:
    (folder / "training/grades.csv").write_text("name,grade\np1,2\n")
    batch = angiogram_pairs(folder, "training", SIDE).whole(np.arange(3))
    assert batch.visible.tolist() == [0, 1, 0]
    assert batch.grades.tolist() == [0, 2, 0]
    assert not batch.visible_axes.any()
    assert not np.isnan(batch.severities).any()
    crops = angiogram_pairs(folder, "training", SIDE).augmented(np.random.default_rng(0), 8, 32)
    assert not crops.visible.any()  # nobody knows whether a crop shows why
    assert crops.vessels.any()


def test_masks_lie_where_the_device_places_their_pictures() -> None:
    """A wide picture is padded above and below; a band stays in its place."""
    mask = np.zeros((100, 200), bool)
    mask[50:60] = True
    rows = placed(mask, 64).all(1).nonzero()[0]
    assert rows.tolist() == [32, 33, 34]  # 16 + 50 * 0.32 = 32.0 to 16 + 60 * 0.32 = 35.2
    assert placed(mask, 64)[:16].sum() == placed(mask, 64)[48:].sum() == 0


def test_both_pools_hold_the_same_masks(folder: Path) -> None:
    frames, runs = (make(folder, "training", SIDE) for make in (angiogram_pairs, sequence_pairs))
    for index in range(3):
        _, mask = vessel(SIDE, index)
        assert np.array_equal(frames.frame(index)[1], mask)
        assert np.array_equal(runs.mask(index), mask)
        (image,) = runs.sequence(index).inputs
        assert image[mask].mean() < image[~mask].mean()
        assert len(runs.sequence(index).filled) == 0
