"""Plain folders of pictures with one mask each: PNG, TIFF or NPY, paired by the stem of the file.

```
FOLDER/training/images/ann.png     FOLDER/training/masks/ann.png
FOLDER/validation/images/...       FOLDER/training/grades.csv   (name, grade), where there are any
FOLDER/test/images/...
```
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sdk.frame import Frame, Intensity
from sdk.geometry import Placement
from training.datasets.angiogram_pool import GRADES as GRADE_COUNT
from training.datasets.angiogram_pool import UNGRADED, AngiogramPool
from training.datasets.sequence_pool import Sequence, SequencePool, pool_of
from training.phantoms.quality import AXES
from training.preprocess import native_input, sequence_input

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES, MASKS, GRADES = "images", "masks", "grades.csv"
SUFFIXES = (".png", ".tif", ".tiff", ".npy")
DTYPES = ("uint8", "uint16")
SHOWN = 5
"""File names that an error lists before it counts the rest."""


class PictureError(ValueError):
    """A folder of pictures and masks is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class PicturePair:
    """One picture and its mask, which are read when they are asked for."""

    image: Path
    """A grey picture of 8 or 16 bit."""
    mask: Path
    """Of the same stem."""
    grade: int = UNGRADED
    """0 poor, 1 acceptable, 2 good, or -1 where nobody graded it."""

    def read(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """(rows, columns) grey values as they are stored, uint8 or uint16, and the mask.

        Raises:
            PictureError: a file cannot be read, is no grey picture, or the two do not fit.
        """
        pixels, mask = _grey(self.image), _grey(self.mask)
        if pixels.dtype.name not in DTYPES:
            raise PictureError(
                f"{self.image} holds {pixels.dtype} values, expected uint8 or uint16; convert it, "
                "nothing is scaled here in silence"
            )
        if pixels.shape != mask.shape:
            raise PictureError(
                f"{self.mask} has {mask.shape} pixels, its picture has {pixels.shape}; draw the "
                "mask on the picture itself"
            )
        values = np.unique(mask)
        if len(values) > 2 or (len(values) == 2 and values[0] != 0):
            shown = ", ".join(str(value) for value in values[:SHOWN].tolist())
            raise PictureError(
                f"{self.mask} holds {len(values)} values ({shown}{' ...' * (len(values) > SHOWN)})"
                ", expected 0 and one other; save it without smoothing or lossy compression"
            )
        return pixels, mask != 0


def open_pairs(folder: Path, part: str) -> tuple[PicturePair, ...]:
    """The pairs of ``training``, ``validation`` or ``test`` in the order of their names.

    Raises:
        PictureError: a folder or a partner is missing, a name is there twice, a file is of another
            kind, or the grades do not fit.
    """
    root = folder / part
    images, masks = _by_stem(root / IMAGES), _by_stem(root / MASKS)
    for have, lack, there in ((images, masks, MASKS), (masks, images, IMAGES)):
        missing = sorted(set(have) - set(lack))
        if missing:
            raise PictureError(
                f"{root / there} lacks a partner of the same name for {_some(missing)}; every "
                "picture needs one mask, an empty one where nothing is seen"
            )
    if not images:
        raise PictureError(f"{root / IMAGES} holds no pictures; expected {', '.join(SUFFIXES)}")
    grades = _read_grades(root / GRADES, set(images))
    return tuple(
        PicturePair(image=path, mask=masks[stem], grade=grades.get(stem, UNGRADED))
        for stem, path in sorted(images.items())
    )


def angiogram_pairs(folder: Path, part: str, size: int) -> AngiogramPool:
    """Pictures as native frames for the angiogram quality network, as the device prepares them.

    Raises:
        PictureError: see `open_pairs` and `PicturePair.read`.
    """
    pairs = open_pairs(folder, part)
    inputs = np.empty((len(pairs), size, size), np.uint8)
    vessels = np.empty((len(pairs), size, size // 8), np.uint8)
    for index, pair in enumerate(pairs):
        pixels, mask = pair.read()
        inputs[index] = np.round(native_input(Frame(pixels=pixels), size) * 255)
        vessels[index] = np.packbits(placed(mask, size), axis=-1)
    return AngiogramPool(
        inputs=inputs,
        vessels=vessels,
        grades=np.array([pair.grade for pair in pairs], np.int64),
        severities=np.full((len(pairs), len(AXES)), np.nan, np.float32),
        subtracted=np.zeros(len(pairs), np.bool_),
    )


def sequence_pairs(folder: Path, part: str, size: int) -> SequencePool:
    """Subtracted pictures as sequences of one frame, for a network that sees a projection.

    Raises:
        PictureError: see `open_pairs` and `PicturePair.read`.
    """
    found = []
    for pair in open_pairs(folder, part):
        pixels, mask = pair.read()
        nothing = np.zeros((0, size, size), np.uint8)
        frame = Frame(pixels=pixels, intensity=Intensity.DISP)
        inputs, union = sequence_input([frame], size), placed(mask, size).astype(np.uint8)
        found.append(
            Sequence(inputs=inputs, union=union, filled=nothing, so_far=nothing, scribbles=nothing)
        )
    return pool_of(found, size)


def placed(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """(size, size) a mask where the device places its picture: set where half of a pixel is."""
    placement = Placement.fit((mask.shape[0], mask.shape[1]), (size, size))
    rows, columns = placement.size
    share = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    out = np.zeros((size, size), np.bool_)
    out[placement.window] = share >= 0.5
    return out


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise PictureError(
            f"there is no folder {folder}; expected {IMAGES} and {MASKS} side by side, with files "
            "of the same names"
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() not in SUFFIXES:
            raise PictureError(f"{path} is none of {', '.join(SUFFIXES)}; convert or remove it")
        if path.stem in found:
            raise PictureError(f"{found[path.stem]} and {path.name} have one name; remove one")
        found[path.stem] = path
    return found


def _read_grades(path: Path, stems: set[str]) -> dict[str, int]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not {"name", "grade"} <= set(reader.fieldnames or ()):
            raise PictureError(f"{path} needs the columns name and grade, has {reader.fieldnames}")
        grades = {}
        for row in reader:
            allowed = [str(grade) for grade in range(GRADE_COUNT)]
            if row["grade"] not in allowed or row["name"] not in stems or row["name"] in grades:
                raise PictureError(
                    f"{path}, line {reader.line_num}: expected the name of a picture without its "
                    f"suffix, once, and a grade of {', '.join(allowed)}, got {row['name']!r} and "
                    f"{row['grade']!r}"
                )
            grades[row["name"]] = int(row["grade"])
    return grades


def _grey(path: Path) -> NDArray[Any]:
    """A picture as it is stored; grey that is stored as colour becomes grey again."""
    pixels = _stored(path)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    if pixels.ndim != 2 or not pixels.size:
        raise PictureError(f"{path} has the shape {pixels.shape}, expected one grey picture")
    return np.ascontiguousarray(pixels)


def _stored(path: Path) -> NDArray[Any]:
    if path.suffix.lower() == ".npy":
        try:
            return np.asarray(np.load(path, allow_pickle=False))
        except ValueError as error:
            raise PictureError(f"{path} is not an array that can be read: {error}") from error
    pages = cv2.imcount(str(path), cv2.IMREAD_UNCHANGED)
    if pages > 1:
        raise PictureError(f"{path} holds {pages} pages, expected one picture; split it")
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise PictureError(f"{path} is not a picture that can be read")
    return np.asarray(pixels)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
