"""The same frames are picked every time, evenly over runs and time, and they must fit."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.errors import CalibrationError
from calibration.frames import evenly, phase_of, pick_frames, select, split
from sdk import AngiogramQuality
from sdk.frame import Frame
from sdk.model_folder import IntendedInput
from sdk.runs import Run
from sdk.tensors import allocate

LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=8)


class Noise:
    """Frames made when they are asked for; those in `flat` have nothing in them."""

    def __init__(self, length, seed=0, flat=()):
        self.length, self.seed, self.flat = length, seed, flat
        self.asked = []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.asked.append(index)
        pixels = np.random.default_rng((self.seed, index)).integers(0, 4096, (64, 64), np.uint16)
        if index in self.flat:
            pixels[...] = 7
        return Frame(pixels=pixels, index=index, bits_stored=12)


def runs_of(*lengths, **changes):
    return [Run(f"run{i}", Noise(length, i, **changes)) for i, length in enumerate(lengths)]


TASK = AngiogramQuality(size=(64, 64))
ANY = IntendedInput()


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 60))
def test_frames_are_spread_over_the_runs(lengths, count):
    picks = pick_frames(runs_of(*lengths), count)
    assert len(set(picks)) == len(picks)
    if count >= len(lengths):
        assert len(picks) == min(count, sum(lengths))
        shares = Counter(pick.run for pick in picks)
        unfilled = [shares[run] for run, length in enumerate(lengths) if shares[run] < length]
        assert max(unfilled, default=0) - min(unfilled, default=0) <= 1
        assert all(shares[run] >= min(shares.values()) for run in range(len(lengths)))
    else:
        assert len({pick.run for pick in picks}) == count


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 40))
def test_frames_of_a_run_are_spread_over_its_time(length, count, place):
    count = min(length, count)
    found = evenly(length, count, phase_of(place))
    gaps = np.diff(found)
    assert len(set(found)) == count
    assert 0 <= found[0] <= length / count
    assert length - 1 - found[-1] <= length / count
    assert count == 1 or gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("held_out", [20, 30, 45])
def test_frames_for_the_ranges_and_held_out_ones_show_every_time(held_out):
    for part in split(pick_frames(runs_of(*[6] * 60), 60), held_out):
        times = Counter(pick.frame for pick in part)
        assert max(times.values()) - min(times[time] for time in range(6)) <= 2


def test_held_out_frames_are_others_and_lie_between():
    picks = pick_frames(runs_of(12, 12), 24)
    kept, aside = split(picks, 8)
    assert len(kept) == 16
    assert set(kept) | set(aside) == set(picks)
    assert not set(kept) & set(aside)
    assert Counter(pick.run for pick in aside) == {0: 4, 1: 4}


def test_too_few_frames_to_hold_any_out_are_refused():
    with pytest.raises(CalibrationError, match="1 frames cannot give ranges and 1 held-out"):
        split(pick_frames(runs_of(1), 5), 1)


def test_frames_are_prepared_by_the_task_itself():
    selection = select(runs_of(5), pick_frames(runs_of(5), 2), TASK, ANY)
    inputs, expected = allocate(TASK.inputs), allocate(TASK.inputs)
    label = selection.fill(1, inputs)
    AngiogramQuality(size=(64, 64)).preprocess(selection.runs[0].frames[3], expected)
    assert label == "run0, frame 3"
    assert np.array_equal(inputs["frame"], expected["frame"])


def test_the_hash_is_that_of_the_pixels():
    picks = pick_frames(runs_of(5, 5), 4)
    once, again = (select(runs_of(5, 5), picks, TASK, ANY).sha256 for _ in range(2))
    renamed = [Run("else", run.frames) for run in runs_of(5, 5)]
    other = [Run(run.name, Noise(5, seed=9)) for run in runs_of(5, 5)]
    assert once == again == select(renamed, picks, TASK, ANY).sha256
    assert once != select(other, picks, TASK, ANY).sha256
    assert once != select(runs_of(5, 5), picks[::-1], TASK, ANY).sha256


def test_one_frame_that_does_not_fit_is_set_aside_by_name():
    selection = select(runs_of(6, flat={0}), pick_frames(runs_of(6), 6), TASK, ANY)
    assert len(selection) == 5
    assert len(selection.refused) == 1
    assert selection.refused[0].startswith("run0, frame 0: frame 0: there is nothing in it")


def test_frames_that_mostly_do_not_fit_are_refused():
    with pytest.raises(CalibrationError, match=r"4 of 6 frames do not fit .* run0, frame 0"):
        select(runs_of(6, flat={0, 1, 2, 3}), pick_frames(runs_of(6), 6), TASK, ANY)


def test_frames_that_the_network_was_not_made_for_are_refused():
    small = IntendedInput(min_size=(128, 128), max_size=(256, 256))
    with pytest.raises(CalibrationError, match="64 x 64 pixels, made for"):
        select(runs_of(3), pick_frames(runs_of(3), 3), TASK, small)


def test_fewer_frames_are_spread_over_all():
    selection = select(runs_of(12), pick_frames(runs_of(12), 12), TASK, ANY)
    assert [pick.frame for pick in selection.first(3).picks] == [2, 6, 10]
