"""The public DIAS data set as it lies on disk: variable frame counts, scribbles, unlabelled runs.

Liu et al., Medical Image Analysis 97:103247 (2024); CC BY 4.0. Nothing of it is copied here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sdk.frame import Frame, Intensity
from training.datasets.scribbles import ARTERY, BACKGROUND, KINDS, UNLABELLED
from training.datasets.sequence_pool import Sequence, SequencePool, pool_of
from training.preprocess import sequence_input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PARTS = ("training", "validation", "test")
UNLABELED = "unlabeled_DSA"
FRAME = re.compile(r"^image_s(\d+)_i(\d+)\.png$")
LABEL_FROM = 100
"""Grey value from which a pixel of a label is artery."""
CODES = {0: BACKGROUND, 1: ARTERY, 255: UNLABELLED}
"""Grey values of the scribbles, by the published training code; the data set does not say."""


class DiasError(ValueError):
    """The folder is not laid out as DIAS is, or a picture in it is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class DiasSequence:
    """Where one sequence lies."""

    identity: int
    """Number of the sequence, unique over all parts."""
    frames: tuple[Path, ...]
    """In the order of time."""
    label: Path | None = None
    """The union of the arteries of all frames."""
    scribbles: Mapping[str, Path] = field(default_factory=dict)
    """By kind, SALE and RDFA."""

    def read_frames(self) -> NDArray[np.uint8]:
        """(T, rows, columns) grey values.

        Raises:
            DiasError: a picture cannot be read, or frames differ in size.
        """
        images = [_grey(path) for path in self.frames]
        for path, image in zip(self.frames, images, strict=True):
            if image.shape != images[0].shape:
                raise DiasError(
                    f"{path} has {image.shape} pixels, expected {images[0].shape} as the first "
                    "frame of its sequence; unpack the data set again"
                )
        return np.stack(images)

    def read_label(self) -> NDArray[np.bool_]:
        """(rows, columns) arteries.

        Raises:
            DiasError: there is none, or it is not a mask of this sequence.
        """
        if self.label is None:
            raise DiasError(f"sequence {self.identity} is unlabelled; it has frames alone")
        return self._fitting(self.label) >= LABEL_FROM

    def read_scribble(self, kind: str, codes: Mapping[int, int] | None = None) -> NDArray[np.uint8]:
        """(rows, columns) codes of `training.datasets.scribbles`.

        Args:
            kind: SALE or RDFA.
            codes: what each grey value means, where it is not `CODES`.

        Raises:
            DiasError: there is no such scribble, or it holds a grey value that is not in `codes`.
        """
        if kind not in self.scribbles:
            raise DiasError(
                f"sequence {self.identity} has no scribble {kind!r}, it has "
                f"{', '.join(self.scribbles) or 'none'}; only training sequences have scribbles"
            )
        grey, codes = self._fitting(self.scribbles[kind]), codes or CODES
        values = np.unique(grey).tolist()
        unknown = [value for value in values if value not in codes]
        if unknown:
            raise DiasError(
                f"{self.scribbles[kind]} holds the grey values {values}, expected only "
                f"{sorted(codes)}; look at the picture and pass what each value means as `codes`"
            )
        table = np.zeros(256, np.uint8)
        for value, code in codes.items():
            table[value] = code
        return table[grey]

    def _fitting(self, path: Path) -> NDArray[np.uint8]:
        grey, frame = _grey(path), _grey(self.frames[0])
        if grey.shape != frame.shape:
            raise DiasError(
                f"{path} has {grey.shape} pixels, its frames have {frame.shape}; "
                "unpack the data set again"
            )
        return grey


def open_dias(folder: Path, part: str) -> tuple[DiasSequence, ...]:
    """The sequences of ``training``, ``validation``, ``test`` or ``unlabeled``, by number.

    Raises:
        DiasError: the part is not there, or not laid out as it should be.
    """
    if part == "unlabeled":
        inner = folder / UNLABELED / "images"
        images = inner if inner.is_dir() else folder / UNLABELED
        return tuple(
            DiasSequence(identity=n, frames=frames) for n, frames in _sequences(images).items()
        )
    if part not in PARTS:
        raise DiasError(f"expected {', '.join(PARTS)} or unlabeled, got {part!r}")
    root = folder / part
    found = []
    for identity, frames in _sequences(root / "images").items():
        name = f"label_s{identity}.png"
        label = root / "labels" / name
        if not label.is_file():
            raise DiasError(f"{label} is missing; sequence {identity} of {part} needs its label")
        drawn = {kind: root / "scribble_labels" / kind / name for kind in KINDS}
        scribbles = {kind: path for kind, path in drawn.items() if path.is_file()}
        found.append(
            DiasSequence(identity=identity, frames=frames, label=label, scribbles=scribbles)
        )
    return tuple(found)


def dias_pool(sequences: tuple[DiasSequence, ...], size: int = 800) -> SequencePool:
    """Sequences as a pool of squares of size x size; what is not labelled has an empty mask.

    Frames are subtracted already: they go through the device's own preprocessing without a mask.
    """
    return pool_of([_entry(sequence, size) for sequence in sequences], size)


def _entry(sequence: DiasSequence, size: int) -> Sequence:
    pixels = sequence.read_frames()
    if pixels.shape[1:] != (size, size):
        raise DiasError(
            f"sequence {sequence.identity} has {pixels.shape[1:]} pixels, expected "
            f"{(size, size)}; ask for the size of the data, masks are not resized"
        )
    frames = [Frame(pixels=image, index=i, intensity=Intensity.DISP) for i, image in
              enumerate(pixels)]  # fmt: skip
    label = np.zeros((size, size), np.uint8)
    if sequence.label is not None:
        label = sequence.read_label().astype(np.uint8)
    kinds = [sequence.read_scribble(kind) for kind in KINDS if kind in sequence.scribbles]
    nothing = np.zeros((0, size, size), np.uint8)
    return Sequence(
        inputs=sequence_input(frames, size),
        union=label,
        filled=nothing,
        so_far=nothing,
        scribbles=np.stack(kinds) if len(kinds) == len(KINDS) else nothing,
    )


def _sequences(images: Path) -> dict[int, tuple[Path, ...]]:
    """Frames of every sequence; frame 10 comes after frame 9."""
    if not images.is_dir():
        raise DiasError(f"there is no folder {images}; expected DIAS as it is unpacked")
    found: dict[int, dict[int, Path]] = {}
    for path in images.iterdir():
        match = FRAME.match(path.name)
        if match:
            found.setdefault(int(match[1]), {})[int(match[2])] = path
    if not found:
        raise DiasError(f"{images} holds no image_s<sequence>_i<frame>.png")
    for identity, frames in found.items():
        missing = sorted(set(range(max(frames) + 1)) - set(frames))
        if missing:
            raise DiasError(
                f"{images}: sequence {identity} lacks the frames {missing} of {max(frames) + 1}; "
                "unpack the data set again"
            )
    return {
        identity: tuple(path for _, path in sorted(frames.items()))
        for identity, frames in sorted(found.items())
    }


def _grey(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DiasError(f"{path} is not a picture that can be read")
    return np.asarray(image, np.uint8)
