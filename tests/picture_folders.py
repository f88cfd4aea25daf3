"""Folders of pictures and masks as somebody would give them, and DIAS as it is unpacked."""

from pathlib import Path

import cv2
import numpy as np

PARTS = ("training", "validation", "test")


def save(path: Path, pixels: np.ndarray) -> Path:
    """Writes a picture or an array, by its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    else:
        assert cv2.imwrite(str(path), pixels)
    return path


def vessel(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A noisy 12-bit picture with a dark band, and the band."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), bool)
    row = int(rng.integers(4, side - 12))
    mask[row : row + 8] = True
    return np.where(mask, 900, 3000).astype(np.uint16) + rng.integers(0, 90, mask.shape), mask


def picture_folder(root: Path, side: int = 64, *, graded: bool = False) -> Path:
    """Three pictures for training and two for each other part."""
    for part in PARTS:
        rows = ["name,grade"]
        for index in range(3 if part == "training" else 2):
            pixels, mask = vessel(side, PARTS.index(part) * 10 + index)
            save(root / part / "images" / f"p{index}.png", pixels.astype(np.uint16))
            save(root / part / "masks" / f"p{index}.png", mask.astype(np.uint8) * 255)
            rows.append(f"p{index},{index % 3}")
        if graded:
            (root / part / "grades.csv").write_text("\n".join(rows) + "\n")
    return root


def dias_folder(root: Path, side: int = 64, *, scribbles: bool = False) -> Path:
    """Two sequences of three frames in every part, and one that is unlabelled."""
    for part in PARTS:
        for identity in (1, 2):
            pixels, mask = vessel(side, identity)
            grey = (pixels // 16).astype(np.uint8)
            for frame in range(3):
                save(root / part / "images" / f"image_s{identity}_i{frame}.png", grey)
            name = f"label_s{identity}.png"
            save(root / part / "labels" / name, mask.astype(np.uint8) * 255)
            if scribbles:
                for kind in ("SALE", "RDFA"):
                    drawn = np.where(mask, 1, 0).astype(np.uint8)
                    save(root / part / "scribble_labels" / kind / name, drawn)
    pixels, _ = vessel(side, 9)
    for frame in range(2):
        save(root / "unlabeled_DSA" / f"image_s60_i{frame}.png", (pixels // 16).astype(np.uint8))
    return root
