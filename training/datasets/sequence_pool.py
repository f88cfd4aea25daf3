"""A pool of DSA sequences, made once and drawn from many times; any number of frames each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sdk.tasks import ArterySequence
from training.datasets.cache import kept, place
from training.datasets.scribbles import KINDS, UNLABELLED, scribble
from training.datasets.workers import drawn
from training.phantoms.artery_sequence import phantom_sequence
from training.preprocess import frames_of, sequence_input

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

LOW, HIGH = ArterySequence.limits
"""Network input of the codes 0 and 255 in a pool."""
WHOLE = (slice(None), slice(None))
TABLE = np.linspace(LOW, HIGH, 256, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class SequenceBatch:
    """Sequences or crops of them, each with the same number of frames."""

    sequences: NDArray[np.float32]
    """(B, T, side, side) network input, the background at 0."""
    union: NDArray[np.float32]
    """(B, 1, side, side), 0 or 1: arteries seen in any frame."""
    so_far: NDArray[np.float32]
    """(B, T, side, side): arteries seen up to each frame; no frames where that is unknown."""
    filled: NDArray[np.float32]
    """(B, T, side, side): arteries seen in each frame; no frames where that is unknown."""
    scribbles: NDArray[np.uint8]
    """(B, 1, side, side) codes of `training.datasets.scribbles`."""


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One sequence of a pool and what is known about it."""

    inputs: NDArray[np.float32]
    """(T, size, size) network input."""
    union: NDArray[np.uint8]
    """(size, size) 1 inside an artery seen in any frame."""
    filled: NDArray[np.uint8]
    """(T, size, size) 1 inside an artery seen in this frame; no frames where that is unknown."""
    so_far: NDArray[np.uint8]
    """(T, size, size) 1 inside an artery seen up to this frame; no frames where that is unknown."""
    scribbles: NDArray[np.uint8]
    """(kinds, size, size) codes; no kinds where there are none."""


@dataclass(frozen=True, kw_only=True)
class SequencePool:
    """Sequences one behind the other."""

    codes: NDArray[np.uint8]
    """(frames, size, size) network input from `LOW` to `HIGH` as 0 to 255."""
    starts: NDArray[np.int64]
    """(N + 1,) first frame of each sequence, and the number of all frames."""
    union: NDArray[np.uint8]
    """(N, size, size / 8) packed bits."""
    filled: NDArray[np.uint8]
    """(frames, size, size / 8) packed bits, or (0, ...) where that is unknown."""
    scribbles: NDArray[np.uint8]
    """(N, kinds, size, size) codes in the order of `KINDS`, or (N, 0, ...)."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def mask(self, index: int) -> NDArray[np.uint8]:
        """(size, size) 1 inside an artery seen in any frame."""
        return np.unpackbits(self.union[index], axis=-1)

    def sequence(self, index: int, cut: tuple[slice, slice] = WHOLE) -> Sequence:
        """One sequence as it is, or what lies inside a cut through all of its frames."""
        frames = slice(int(self.starts[index]), int(self.starts[index + 1]))
        rows, columns = cut
        filled = np.unpackbits(self.filled[frames, rows], axis=-1)[..., columns]
        return Sequence(
            inputs=TABLE[self.codes[frames, rows, columns]],
            union=self.mask(index)[cut],
            filled=filled,
            so_far=np.maximum.accumulate(filled, 0),
            scribbles=np.asarray(self.scribbles[index][:, rows, columns]),
        )

    def part(self, indices: Iterable[int]) -> SequencePool:
        """Some of the sequences, copied."""
        chosen = [self.sequence(index) for index in indices]
        return pool_of(chosen, self.codes.shape[-1])

    def with_union(self, masks: NDArray[np.bool_]) -> SequencePool:
        """The same frames with other masks (N, size, size), such as pseudo labels, alone."""
        return replace(
            self,
            union=np.packbits(masks, axis=-1),
            filled=self.filled[:0],
            scribbles=self.scribbles[:, :0],
        )


def draw(
    pool: SequencePool, rng: np.random.Generator, *, count: int, frames: int, side: int
) -> list[Sequence]:
    """Crops of random sequences, turned and mirrored, each thinned or stretched to `frames`."""
    drawn = []
    for index in rng.integers(0, len(pool), count).tolist():
        cut = _better_cut(rng, pool.mask(index), side)
        drawn.append(_turned(rng, _timed(rng, pool.sequence(index, cut), frames)))
    return drawn


def batch_of(sequences: list[Sequence], kind: str = KINDS[0]) -> SequenceBatch:
    """Sequences of one shape and length, with the scribbles of one kind."""
    which = KINDS.index(kind)
    nothing = np.full_like(sequences[0].union, UNLABELLED)
    codes = [e.scribbles[which] if len(e.scribbles) else nothing for e in sequences]
    return SequenceBatch(
        sequences=np.stack([entry.inputs for entry in sequences]),
        union=np.stack([entry.union for entry in sequences])[:, None].astype(np.float32),
        so_far=np.stack([entry.so_far for entry in sequences]).astype(np.float32),
        filled=np.stack([entry.filled for entry in sequences]).astype(np.float32),
        scribbles=np.stack(codes)[:, None],
    )


def pick_frames(rng: np.random.Generator, count: int, wanted: int) -> NDArray[np.int64]:
    """Indices of `wanted` of `count` frames in order, the last always among them.

    Frames are repeated where there are too few; nothing is interpolated, since a device that sees
    one frame after the other could not do so.
    """
    if wanted >= count:
        extra = rng.integers(0, count, wanted - count)
        return np.sort(np.concatenate([np.arange(count), extra]))
    inner = rng.choice(count - 1, wanted - 1, replace=False)
    return np.sort(np.concatenate([inner, [count - 1]]))


def _timed(rng: np.random.Generator, entry: Sequence, frames: int) -> Sequence:
    times = pick_frames(rng, len(entry.inputs), frames)
    if not len(entry.filled):
        return replace(entry, inputs=entry.inputs[times])
    return replace(
        entry,
        inputs=entry.inputs[times],
        filled=entry.filled[times],
        so_far=entry.so_far[times],  # with what was seen in frames between that were not picked
    )


def _better_cut(
    rng: np.random.Generator, mask: NDArray[np.uint8], side: int
) -> tuple[slice, slice]:
    """The better filled of two random crops: much of a frame holds no artery."""
    corners = rng.integers(0, mask.shape[0] - side + 1, (2, 2)).tolist()
    cuts = [(slice(row, row + side), slice(column, column + side)) for row, column in corners]
    return max(cuts, key=lambda cut: int(mask[cut].sum()))


def _turned(rng: np.random.Generator, entry: Sequence) -> Sequence:
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))

    def turn(image: NDArray[Any]) -> NDArray[Any]:
        image = np.rot90(image, turns, (-2, -1))
        return np.ascontiguousarray(image[..., ::-1] if mirror else image)

    return Sequence(**{name: turn(getattr(entry, name)) for name in Sequence.__dataclass_fields__})


def pool_of(sequences: list[Sequence], size: int) -> SequencePool:
    """A pool of sequences that all know the same about themselves."""
    lengths = [len(entry.inputs) for entry in sequences]
    filled = [np.packbits(entry.filled, axis=-1) for entry in sequences]
    return SequencePool(
        codes=np.concatenate([_coded(entry.inputs) for entry in sequences]),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        union=np.packbits([entry.union for entry in sequences], axis=-1),
        filled=np.concatenate([entry.reshape(-1, size, size // 8) for entry in filled]),
        scribbles=np.stack([entry.scribbles.reshape(-1, size, size) for entry in sequences]),
    )


def _coded(inputs: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round((inputs - LOW) * (255 / (HIGH - LOW))).astype(np.uint8)


def phantom(seed: int, size: int) -> Sequence:
    """One phantom sequence with its truth and both kinds of scribbles."""
    cv2.setNumThreads(1)  # every worker process is one thread already
    run = phantom_sequence(seed, size)
    filled = run.vessels[1:]
    union = filled.max(0)
    rng = np.random.default_rng([seed, 0x5C])
    return Sequence(
        inputs=sequence_input(frames_of(run), size),
        union=union,
        filled=filled,
        so_far=np.maximum.accumulate(filled, 0),
        scribbles=np.stack([scribble(kind, union > 0, rng) for kind in KINDS]),
    )


def generate(seeds: range, size: int, *, workers: int = 2) -> SequencePool:
    """One phantom sequence per seed, in their order, whatever the number of processes."""
    tasks = (seeds, [size] * len(seeds))
    return pool_of(list(drawn(phantom, tasks, workers=workers)), size)


def cached(folder: Path, seeds: range, size: int, *, workers: int = 2) -> SequencePool:
    """As `generate`, kept in a folder so that a resumed training does not wait for it again."""
    stem = place(folder, "sequences", seeds.start, len(seeds), size)
    return kept(stem, SequencePool, lambda: generate(seeds, size, workers=workers))
