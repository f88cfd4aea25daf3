"""Pools of sequences keep what they were given; crops, times and truths stay together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sdk.tasks import ArterySequence
from training.datasets.scribbles import ARTERY, BACKGROUND, KINDS, UNLABELLED, scribble
from training.datasets.sequence_augmentation import photometric, strong
from training.datasets.sequence_pool import (
    HIGH,
    LOW,
    Sequence,
    SequencePool,
    batch_of,
    cached,
    draw,
    phantom,
    pick_frames,
    pool_of,
)
from training.phantoms.artery_sequence import FRAMES, phantom_sequence
from training.preprocess import frames_of

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 256


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    return phantom(1, SIZE)


@pytest.fixture(scope="module")
def pool(sequence: Sequence) -> SequencePool:
    """A phantom, and another with fewer frames."""
    first = (slice(0, 4),)
    short = {name: getattr(sequence, name)[first] for name in ("inputs", "filled", "so_far")}
    short["union"] = short["so_far"][-1]
    return pool_of([sequence, replace(sequence, **short)], SIZE)


def test_a_pool_gives_back_what_went_in(pool: SequencePool, sequence: Sequence) -> None:
    assert np.diff(pool.starts).tolist() == [len(sequence.inputs), 4]
    back = pool.sequence(0)
    assert np.abs(back.inputs - sequence.inputs).max() <= (HIGH - LOW) / 255
    for name in ("union", "filled", "so_far", "scribbles"):
        assert np.array_equal(getattr(back, name), getattr(sequence, name))


def test_a_phantom_fills_and_empties(sequence: Sequence) -> None:
    seen = sequence.filled.sum((1, 2))
    assert seen[0] == 0
    assert seen.max() < sequence.union.sum()  # no frame shows it all
    assert np.array_equal(sequence.so_far[-1], sequence.union)


def test_the_device_prepares_the_same_input(sequence: Sequence) -> None:
    """Frame by frame, at once, and starting over."""
    frames = frames_of(phantom_sequence(1, SIZE))
    assert FRAMES[0] <= len(frames) <= FRAMES[1] + 1
    task = ArterySequence(size=(SIZE, SIZE))
    image = np.empty((1, 1, SIZE, SIZE), np.float32)
    for _ in range(2):
        task.reset()
        for frame, expected in zip(frames, sequence.inputs, strict=True):
            task.preprocess(frame, {"frame": image})
            assert np.array_equal(image[0, 0], expected)


def test_a_cached_pool_is_the_generated_one(tmp_path: Path, sequence: Sequence) -> None:
    for _ in range(2):
        kept = cached(tmp_path, range(1, 2), SIZE, workers=1)
        assert np.array_equal(kept.sequence(0).filled, sequence.filled)


@pytest.mark.parametrize("kind", KINDS)
def test_scribbles_are_right_and_label_little(kind: str, sequence: Sequence) -> None:
    codes = sequence.scribbles[KINDS.index(kind)]
    assert set(np.unique(codes)) == {BACKGROUND, ARTERY, UNLABELLED}
    assert (sequence.union[codes == ARTERY] == 1).all()
    assert (sequence.union[codes == BACKGROUND] == 0).all()
    assert (codes != UNLABELLED).mean() < 0.15


def test_strokes_are_thicker_than_lines(sequence: Sequence) -> None:
    sale, rdfa = ((codes == BACKGROUND).sum() for codes in sequence.scribbles)
    assert sale > rdfa


def test_an_empty_mask_has_no_artery_scribble() -> None:
    empty, rng = np.zeros((32, 32), bool), np.random.default_rng(0)
    for kind in KINDS:
        assert ARTERY not in scribble(kind, empty, rng)
    with pytest.raises(ValueError, match="got 'pencil'"):
        scribble("pencil", empty, rng)


@pytest.mark.parametrize(("count", "wanted"), [(9, 4), (4, 9), (5, 5), (1, 3), (6, 1)])
def test_picked_frames_are_in_order_and_end_with_the_last(count: int, wanted: int) -> None:
    for seed in range(5):
        times = pick_frames(np.random.default_rng(seed), count, wanted)
        assert len(times) == wanted
        assert (np.diff(times) >= 0).all()
        assert times[-1] == count - 1
        assert len(set(times)) == min(count, wanted)


def test_crops_keep_pictures_and_truth_together(pool: SequencePool) -> None:
    """Pictures that are the truth itself stay the truth, wherever they are cut and turned."""
    shown = replace(pool, codes=np.unpackbits(pool.filled, axis=-1) * np.uint8(255))
    batch = batch_of(draw(shown, np.random.default_rng(0), count=6, frames=5, side=64))
    assert batch.sequences.shape == batch.filled.shape == (6, 5, 64, 64)
    assert batch.filled.any()
    assert np.array_equal(batch.sequences > 0, batch.filled > 0)
    assert (batch.so_far >= batch.filled).all()
    assert np.array_equal(batch.so_far[:, -1:], batch.union)


def test_other_masks_leave_no_old_truth(pool: SequencePool) -> None:
    other = pool.with_union(np.ones((2, SIZE, SIZE), bool))
    batch = batch_of(draw(other, np.random.default_rng(0), count=2, frames=3, side=64))
    assert batch.union.all()
    assert (batch.scribbles == UNLABELLED).all()
    assert batch.filled.shape[1] == 0


def test_augmented_values_stay_inside_the_limits(sequence: Sequence) -> None:
    for seed in range(8):
        bright = photometric(np.random.default_rng(seed), sequence.inputs[:, :64, :64])
        assert bright.dtype == np.float32
        assert LOW <= bright.min() <= bright.max() <= HIGH


def test_distortion_moves_pictures_and_masks_alike(sequence: Sequence) -> None:
    cut = (..., slice(96, 160), slice(96, 160))
    small = {name: getattr(sequence, name)[cut] for name in Sequence.__dataclass_fields__}
    entry = replace(Sequence(**small), inputs=small["filled"] * np.float32(LOW))
    moved = 0
    for seed in range(20):
        result = strong(np.random.default_rng(seed), entry)
        if not np.array_equal(result.filled, entry.filled):
            moved += 1
            assert np.array_equal(result.so_far[-1], result.union)
    assert 0 < moved < 20
