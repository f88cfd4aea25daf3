"""Networks that remember see whole runs, with the states that FP32 has before every frame."""

from contextlib import closing
from dataclasses import replace

import networks
import numpy as np
import onnxruntime
import pytest
from small_nets import streaming

from calibration.collect import CollectOptions, collect
from calibration.errors import CalibrationError
from calibration.frames import Pick, select
from calibration.placement import place
from calibration.play import Player
from calibration.quantisable import read_quantisable
from calibration.sequences import Sequences, pick_runs, split_runs
from sdk import ArterySequence
from sdk.backends import open_backend
from sdk.frame import Frame, Mask
from sdk.model_folder import IntendedInput
from sdk.runs import Run
from sdk.tensors import allocate

SIDE = 64
STATES = {"hidden_in": "hidden_out", "highest_in": "highest_out"}
TASK = ArterySequence(size=(SIDE, SIDE), state_names=("hidden", "highest"))


class Noise:
    """Frames of a run; those in `flat` have nothing in them, and cannot begin one."""

    def __init__(self, length, seed=0, flat=()):
        self.length, self.seed, self.flat = length, seed, flat

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        pixels = np.random.default_rng((self.seed, index)).integers(0, 4096, (SIDE, SIDE))
        flat = index in self.flat
        return Frame(pixels=np.uint16(7 if flat else pixels) * np.ones((SIDE, SIDE), np.uint16))


def runs_of(*lengths, **changes):
    return [Run(f"run{i}", Noise(length, i, **changes)) for i, length in enumerate(lengths)]


@pytest.fixture
def graph(tmp_path):
    return streaming(tmp_path / "net.onnx", (SIDE, SIDE))


def followed(graph, runs, count=99):
    selection = select(runs, pick_runs(runs, count), TASK, IntendedInput())
    return Sequences.of(selection, graph, 1)


def states_before(graph, run):
    """What the graph remembers before each frame of a run, by a loop of ONNX Runtime."""
    session, task = onnxruntime.InferenceSession(graph), ArterySequence(size=(SIDE, SIDE))
    states = {name: np.zeros((1, 16, SIDE, SIDE), np.float32) for name in STATES}
    inputs, found = allocate(task.inputs), []
    for index in range(len(run.frames)):
        task.preprocess(run.frames[index], inputs)
        found.append({"frame": inputs["frame"].copy(), **states})
        states = dict(zip(STATES, session.run(list(STATES.values()), found[-1]), strict=True))
    return found


def test_a_frame_comes_with_what_the_network_remembers_in_any_order(graph):
    runs = runs_of(3, 4)
    expected = [inputs for run in runs for inputs in states_before(graph, run)]
    frames = followed(graph, runs)
    with closing(frames), closing(open_backend(graph)) as backend:
        for index in (0, 1, 2, 3, 4, 5, 6, 5, 0, 6, 4, 1):
            assert frames.fill(index, backend.inputs) == frames.label(frames.picks[index])
            for name, tensor in expected[index].items():
                assert np.array_equal(backend.inputs[name], tensor), (index, name)


def test_fewer_frames_still_come_after_all_before_them(graph):
    runs = runs_of(5)
    expected = states_before(graph, runs[0])
    frames = followed(graph, runs)
    with closing(frames), closing(open_backend(graph)) as backend:
        few = frames.only([1, 4])
        for index, place in enumerate((1, 4)):
            few.fill(index, backend.inputs)
            for name, tensor in expected[place].items():
                assert np.array_equal(backend.inputs[name], tensor)


def test_a_frame_that_does_not_fit_is_not_remembered(graph):
    frames = followed(graph, runs_of(4, flat={0}))
    expected = followed(graph, [Run("same", [Noise(4)[index] for index in (1, 2, 3)])])
    assert len(frames) == 3
    with closing(frames), closing(expected), closing(open_backend(graph)) as backend:
        for index in range(3):
            frames.fill(index, backend.inputs)
            found = {name: tensor.copy() for name, tensor in backend.inputs.items()}
            expected.fill(index, backend.inputs)
            for name, tensor in found.items():
                assert np.array_equal(backend.inputs[name], tensor)


def subtracted(frames, first):
    """The frames, those from the first on with a mask."""
    mask = Mask(pixels=np.full((SIDE, SIDE), 2000, np.uint16))
    native = [frames[index] for index in range(len(frames))]
    return [replace(f, mask=mask if i >= first else None) for i, f in enumerate(native)]


def test_a_run_begins_where_it_is_subtracted_as_in_a_session(graph):
    frames = subtracted(Noise(5), 2)
    whole, alone = (followed(graph, [Run("one", run)]) for run in (frames, frames[2:]))
    assert (len(whole), len(alone)) == (5, 3)
    with closing(whole), closing(alone), closing(open_backend(graph)) as backend:
        for index in (0, 2, 1):
            whole.fill(2 + index, backend.inputs)
            found = {name: tensor.copy() for name, tensor in backend.inputs.items()}
            alone.fill(index, backend.inputs)
            for name, tensor in found.items():
                assert np.array_equal(backend.inputs[name], tensor), (index, name)
        player = Player(backend, whole)
        assert [player.answer(index).frames for index in (0, 1, 2, 3, 4, 2)] == [1, 2, 1, 2, 3, 1]


def test_ranges_are_those_of_the_runs_in_order(graph):
    runs = runs_of(2, 4)
    frames = followed(graph, runs)
    with closing(frames):
        names = ["hidden_in", "hidden_out", "highest_out"]
        histograms = collect(
            read_quantisable(graph, STATES), names, frames, CollectOptions(bins=64)
        )
    states = [inputs["hidden_in"] for run in runs for inputs in states_before(graph, run)]
    assert histograms["hidden_in"].high == max(float(state.max()) for state in states)
    assert histograms["hidden_in"].low == min(float(state.min()) for state in states)
    assert histograms["hidden_out"].counts.sum() == 6 * 16 * SIDE * SIDE


def test_a_player_answers_as_a_session_in_any_order(graph):
    runs = runs_of(3, 2)
    with closing(followed(graph, runs)) as frames, closing(open_backend(graph)) as backend:
        player = Player(backend, frames)
        in_order = [player.answer(index) for index in range(5)]
        assert [answer.frames for answer in in_order] == [1, 2, 3, 1, 2]
        for index in (2, 0, 4, 3):
            again = player.answer(index)
            assert again.frames == in_order[index].frames
            assert np.array_equal(again.vessels.mask, in_order[index].vessels.mask)
            assert np.array_equal(again.arrival_frame, in_order[index].arrival_frame)


def test_what_comes_back_to_itself_stays_float_and_says_why(graph):
    decisions = {item.node: item for item in place(read_quantisable(graph, STATES)).decisions}
    for name in ("gate", "memory", "kept"):
        assert not decisions[name].int8
        assert decisions[name].reason.startswith("recurrent: ")
    assert decisions["inner"].int8
    assert decisions["read"].int8


def test_states_can_be_quantised_all_the_same(graph):
    placed = place(read_quantisable(graph))
    assert {item.node for item in placed.decisions if item.int8} > {"inner", "kept", "read"}


def test_whole_runs_are_picked():
    runs = runs_of(4, 5, 6, 7)
    assert {pick.run for pick in pick_runs(runs, 12)} == {1, 3}
    assert len(pick_runs(runs, 12)) == 12
    assert len(pick_runs(runs, 22)) == 22
    assert pick_runs(runs_of(9), 4) == [Pick(0, index) for index in range(4)]


def test_held_out_runs_are_others():
    runs = runs_of(4, 4, 4, 4, 4, 4)
    kept, aside = split_runs(runs, 16, 8)
    assert {pick.run for pick in kept} | {pick.run for pick in aside} == set(range(6))
    assert not {pick.run for pick in kept} & {pick.run for pick in aside}
    assert len(aside) == 8


def test_one_run_cannot_be_held_out_too():
    with pytest.raises(CalibrationError, match="one run cannot give ranges and be held out too"):
        split_runs(runs_of(20), 8, 4)


def test_a_graph_without_the_states_is_refused(tmp_path):
    path = networks.darkness(tmp_path / "net.onnx")
    with pytest.raises(
        CalibrationError, match="expected the state hidden_in, given back as hidden_out"
    ):
        read_quantisable(path, STATES)
