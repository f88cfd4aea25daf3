"""A pool of phantom angiograms, generated once by several processes, drawn from many times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from training.datasets.cache import kept, place
from training.datasets.workers import drawn
from training.phantoms.angiogram import phantom_frame
from training.phantoms.quality import AXES
from training.preprocess import network_input

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LOCAL_AXES = ("density", "motion", "noise", "sharpness", "exposure")
"""Axes that a crop shows as well as the frame; filling and collimation need the whole frame."""
DRAWN_WEIGHTS = (1.5, 1.5, 2.0, 1.0, 1.0, 1.5, 1.5)
"""How often a frame is drawn for a batch by the axis that decides its grade, in the order of
`AXES`: those are shown more often that are seldom or that are learned slowly."""
GRADES = 3
"""Poor, acceptable, good."""
UNGRADED = -1
"""In the place of a grade where nobody graded a frame."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Frames or crops with their truth."""

    inputs: NDArray[np.float32]
    """(B, 1, side, side) in [0, 1]."""
    vessels: NDArray[np.float32]
    """(B, 1, side, side), 0 or 1."""
    grades: NDArray[np.int64]
    """(B,)."""
    visible: NDArray[np.float32]
    """(B,) 1 where the grade can be told from what is seen, else 0."""
    severities: NDArray[np.float32]
    """(B, axes) in the order of `AXES`."""
    visible_axes: NDArray[np.float32]
    """(B, axes) 1 where the severity can be told from what is seen, else 0."""

    def part(self, rows: slice) -> Batch:
        """Some of the frames."""
        return Batch(**{entry.name: getattr(self, entry.name)[rows] for entry in fields(self)})


@dataclass(frozen=True, kw_only=True)
class AngiogramPool:
    """Network inputs and truths; of phantoms, frame i has grade i modulo 3."""

    inputs: NDArray[np.uint8]
    """(N, size, size) network input times 255."""
    vessels: NDArray[np.uint8]
    """(N, size, size / 8) packed bits."""
    grades: NDArray[np.int64]
    """(N,), or `UNGRADED`."""
    severities: NDArray[np.float32]
    """(N, axes) in the order of `AXES`; NaN where they are unknown, as of all but phantoms."""
    subtracted: NDArray[np.bool_]
    """(N,) whether a mask was subtracted, else the frame is native."""

    def __len__(self) -> int:
        return len(self.grades)

    def frame(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Input and vessels of one frame, each (size, size)."""
        return self.inputs[index], np.unpackbits(self.vessels[index], axis=-1)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether the severities of a frame are known."""
        return np.asarray(np.isfinite(self.severities).all(axis=1))

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """(N,) probability that a frame is the next one of a batch."""
        deciding = np.array(DRAWN_WEIGHTS)[self.severities.argmax(axis=1)]
        weights = np.where(self.known, deciding, 1.0)
        return np.asarray(weights / weights.sum())

    def locally_visible(self, index: int) -> bool:
        """Whether a crop is enough to see why the frame has its grade."""
        deciding = AXES[int(np.argmax(self.severities[index]))]
        return bool(self.known[index]) and deciding in LOCAL_AXES

    def whole(self, indices: NDArray[np.int64]) -> Batch:
        """Whole frames as they are."""
        frames = [self.frame(index) for index in indices.tolist()]
        pairs = [(pixels.astype(np.float32) / np.float32(255), truth) for pixels, truth in frames]
        return self._batch(pairs, indices)

    def augmented(self, rng: np.random.Generator, count: int, side: int) -> Batch:
        """Random frames, turned, mirrored, with another gamma; cut where side is below size."""
        indices = rng.choice(len(self), count, p=self._shares)
        pairs = []
        for index in indices.tolist():
            pixels, truth = self.frame(index)
            cut = _crop(rng, truth, side)
            pairs.append(_augment(rng, pixels[cut], truth[cut]))
        return self._batch(pairs, indices)

    def _batch(
        self, pairs: list[tuple[NDArray[np.float32], NDArray[np.uint8]]], indices: NDArray[np.int64]
    ) -> Batch:
        inputs = np.stack([pixels for pixels, _ in pairs])[:, None]
        whole = inputs.shape[-1] == self.inputs.shape[-1]
        visible = [whole or self.locally_visible(index) for index in indices.tolist()]
        axes = np.array([whole or name in LOCAL_AXES for name in AXES], np.float32)
        known, graded = self.known[indices], self.grades[indices] != UNGRADED
        return Batch(
            inputs=inputs,
            vessels=np.stack([truth for _, truth in pairs])[:, None].astype(np.float32),
            grades=np.where(graded, self.grades[indices], 0),
            visible=np.array(visible, np.float32) * graded,
            severities=np.nan_to_num(self.severities[indices]),
            visible_axes=np.tile(axes, (len(indices), 1)) * known[:, None],
        )


def _crop(rng: np.random.Generator, truth: NDArray[np.uint8], side: int) -> tuple[slice, slice]:
    """The better filled of two random crops: much of a frame holds no vessel."""
    corners = rng.integers(0, truth.shape[0] - side + 1, (2, 2))
    cuts = [(slice(row, row + side), slice(column, column + side)) for row, column in corners]
    return max(cuts, key=lambda cut: int(truth[cut].sum()))


def _augment(
    rng: np.random.Generator, pixels: NDArray[np.uint8], truth: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    pixels, truth = np.rot90(pixels, turns), np.rot90(truth, turns)
    if mirror:
        pixels, truth = pixels[:, ::-1], truth[:, ::-1]
    table = np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(np.exp(rng.uniform(-0.3, 0.3)))
    low, high = rng.uniform(-0.05, 0.05, 2)
    table = np.clip((table - low) / (1 + high - low), 0, 1)
    if rng.random() < 0.08:
        table = 1 - table
    return table.astype(np.float32)[pixels], np.ascontiguousarray(truth)


_Drawn = tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[float, ...], bool]


def _one(seed: int, size: int, grade: int) -> _Drawn:
    # Every worker process is one thread already.
    cv2.setNumThreads(1)
    frame = phantom_frame(seed, size, grade)
    pixels = network_input(frame, size)
    return (
        np.round(pixels * 255).astype(np.uint8),
        np.packbits(frame.vessels, axis=-1),
        frame.severities.as_tuple(),
        frame.mask is not None,
    )


def generate(seeds: range, size: int, *, workers: int = 2) -> AngiogramPool:
    """One frame per seed, in their order, whatever the number of worker processes."""
    grades = np.arange(len(seeds), dtype=np.int64) % GRADES
    tasks = (seeds, [size] * len(seeds), grades.tolist())
    return _collect(drawn(_one, tasks, workers=workers, chunk=8), grades, size)


def _collect(frames: Iterable[_Drawn], grades: NDArray[np.int64], size: int) -> AngiogramPool:
    count = len(grades)
    inputs = np.empty((count, size, size), np.uint8)
    vessels = np.empty((count, size, size // 8), np.uint8)
    severities = np.empty((count, len(AXES)), np.float32)
    subtracted = np.empty(count, np.bool_)
    for index, frame in enumerate(frames):
        inputs[index], vessels[index], severities[index], subtracted[index] = frame
    return AngiogramPool(
        inputs=inputs,
        vessels=vessels,
        grades=grades,
        severities=severities,
        subtracted=subtracted,
    )


def cached(folder: Path, seeds: range, size: int, *, workers: int = 2) -> AngiogramPool:
    """As `generate`, kept in a folder so that a resumed training does not wait for it again."""
    stem = place(folder, "pool", seeds.start, len(seeds), size)
    return kept(stem, AngiogramPool, lambda: generate(seeds, size, workers=workers))
