"""Slices come one by one, in any order, and the answer is that of the whole volume bit for bit."""

import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest
import volume_folders

import sdk

LESIONS = ((12, 40, 30), (8, 20, 50), (17, 56, 44))


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = volume_folders.microbleed_folder(tmp_path_factory.mktemp("model"))
    with sdk.VolumeSession(folder.path, threads=1) as opened:
        yield opened


@pytest.fixture
def head():
    """Without a brain of its own: what guides it is given apart."""
    return replace(volume_folders.head(*LESIONS), brain=None)


def guide(window=(5.0, 120.0)):
    return sdk.BrainGuide(window=window, brain=volume_folders.head().brain)


def give(incoming, volume, order):
    for index in order:
        incoming.add(int(index), volume.voxels[index], volume.phase[index])


def came(session, volume, order, options=None):
    with session.receive(volume.shape, volume.to_patient, options) as incoming:
        give(incoming, volume, order)
        return incoming.outcome()


def same(one, other):
    """Everything that an answer says, without tolerance."""
    one, other = one.require(), other.require()
    assert one.microbleeds == other.microbleeds
    assert one.dropped == other.dropped
    assert one.window == other.window
    assert (one.tiles, one.tiles_skipped) == (other.tiles, other.tiles_skipped)
    if one.regions is not None:
        np.testing.assert_array_equal(one.regions, other.regions)
    return one


ORDERS = {
    "feet first": np.arange(24),
    "head first": np.arange(24)[::-1],
    "interleaved": np.r_[0:24:2, 1:24:2],
    "shuffled": np.random.default_rng(0).permutation(24),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("guided", [True, False])
def test_the_answer_is_that_of_the_whole_volume(session, head, order, guided):
    options = sdk.VolumeOptions(guide=guide() if guided else None)
    answer = same(session(head, options), came(session, head, order, options))
    assert len(answer.microbleeds) == 3


def test_whole_regions_are_the_same_too(session, head):
    options = sdk.VolumeOptions(guide=guide(), whole_regions=True)
    assert same(session(head, options), came(session, head, range(24), options)).regions.any()


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 2, 0)])
def test_slices_of_another_plane_are_put_together(session, head, axes):
    columns = [*axes, 3]
    turned = sdk.Volume(
        voxels=np.transpose(head.voxels, axes),
        phase=np.transpose(head.phase, axes),
        to_patient=head.to_patient @ np.eye(4)[:, columns],
    )
    brain = np.transpose(volume_folders.head().brain, axes)
    options = sdk.VolumeOptions(guide=sdk.BrainGuide(window=(5.0, 120.0), brain=brain))
    slices = range(turned.shape[0])
    same(session(head, sdk.VolumeOptions(guide=guide())), came(session, turned, slices, options))


def test_tiles_start_before_the_last_slice_where_brain_and_window_are_known(session, head):
    detected = threading.Event()

    def progress(stage, done, _):
        if stage == "detect" and done > 0:
            detected.set()

    options = sdk.VolumeOptions(guide=guide(), progress=progress)
    with session.receive(head.shape, head.to_patient, options) as incoming:
        give(incoming, head, range(18))  # 47 fine slices: the lower tiles end at slice 16
        assert detected.wait(60)
        give(incoming, head, range(18, 24))
        assert incoming.outcome().status is sdk.Status.DELIVERED


def test_without_a_guide_nothing_starts_before_the_last_slice(session, head):
    steps = []
    options = sdk.VolumeOptions(progress=lambda *step: steps.append(step))
    with session.receive(head.shape, head.to_patient, options) as incoming:
        give(incoming, head, range(23))
        assert not steps
        give(incoming, head, [23])
        incoming.outcome()
    assert steps


def test_missing_slices_are_named(session, head):
    outcome = came(session, head, [*range(5), *range(7, 24)], sdk.VolumeOptions(guide=guide()))
    assert outcome.status is sdk.Status.REJECTED
    assert "2 of 24 slices did not come: 5, 6;" in outcome.reason
    outcome = came(session, head, [], sdk.VolumeOptions())
    assert "24 of 24 slices did not come: 0, 1, 2, 3, 4, 5, 6, 7, …" in outcome.reason


def test_a_cancelled_volume_frees_the_session(session, head):
    incoming = session.receive(head.shape, head.to_patient)
    with pytest.raises(sdk.SessionError, match="another volume"):
        session(head)
    incoming.cancel()
    assert incoming.outcome().status is sdk.Status.CANCELLED
    assert session(head).status is sdk.Status.DELIVERED


def test_a_volume_that_is_dropped_frees_the_session(session, head):
    incoming = session.receive(head.shape, head.to_patient)
    voxels = weakref.ref(incoming._volume.voxels)
    del incoming
    gc.collect()
    assert session(head).status is sdk.Status.DELIVERED
    gc.collect()
    assert voxels() is None


def test_the_callers_question_cancels_while_it_waits(session, head):
    stop = threading.Event()
    options = sdk.VolumeOptions(cancelled=stop.is_set)
    with session.receive(head.shape, head.to_patient, options) as incoming:
        stop.set()
        assert incoming.outcome().status is sdk.Status.CANCELLED


def test_an_error_of_the_caller_frees_the_session(session, head):
    with pytest.raises(ZeroDivisionError):
        with session.receive(head.shape, head.to_patient):
            1 / 0  # noqa: B018
    assert session(head).status is sdk.Status.DELIVERED


def test_an_error_in_a_callback_is_raised_where_the_outcome_is_asked_for(session, head):
    def progress(*_):
        raise ZeroDivisionError

    options = sdk.VolumeOptions(guide=guide(), progress=progress)
    with session.receive(head.shape, head.to_patient, options) as incoming:
        give(incoming, head, range(24))
        with pytest.raises(ZeroDivisionError):
            incoming.outcome()
    assert session(head).status is sdk.Status.DELIVERED


@pytest.mark.parametrize(
    ("index", "image", "message"),
    [
        (24, np.zeros((80, 72)), "no slice 24, expected 0 to 23"),
        (-1, np.zeros((80, 72)), "no slice -1"),
        (0, np.zeros((80, 72)), "slice 0 was given before"),
        (3, np.zeros((72, 80)), r"swi of slice 3 must be real numbers of shape \(80, 72\)"),
        (3, np.zeros((80, 72), complex), "got complex128"),
    ],
)
def test_a_slice_that_does_not_fit_is_refused(session, head, index, image, message):
    with session.receive(head.shape, head.to_patient) as incoming:
        give(incoming, head, [0])
        with pytest.raises(sdk.VolumeError, match=message):
            incoming.add(index, image, np.zeros((80, 72)))


def test_after_the_outcome_no_slice_is_taken(session, head):
    with session.receive(head.shape, head.to_patient) as incoming:
        give(incoming, head, range(24))
        incoming.outcome()
        with pytest.raises(sdk.SessionError, match="takes no more slices"):
            incoming.add(0, head.voxels[0], head.phase[0])


def test_a_guide_of_another_shape_is_refused_at_once(session, head):
    other = sdk.BrainGuide(window=(0.0, 1.0), brain=np.ones((3, 3, 3), bool))
    with pytest.raises(sdk.VolumeError, match="brain must have the shape"):
        session.receive(head.shape, head.to_patient, sdk.VolumeOptions(guide=other))
    assert session(head).status is sdk.Status.DELIVERED


def test_the_outcome_says_how_far_the_window_was_off(session, head):
    outcome = session(head, sdk.VolumeOptions(guide=guide()))
    (note,) = outcome.notes
    assert note.startswith("the window 5 to 120 was given beforehand, that of the volume itself is")
    assert outcome.answer.window == (5.0, 120.0)


def test_closing_a_session_cancels_what_is_under_way(tmp_path, head):
    session = sdk.VolumeSession(volume_folders.microbleed_folder(tmp_path).path, threads=1)
    incoming = session.receive(head.shape, head.to_patient)
    session.close()
    assert incoming.outcome().status is sdk.Status.CANCELLED
    with pytest.raises(sdk.SessionError, match="closed"):
        session.receive(head.shape, head.to_patient)


def test_a_guide_comes_from_another_scan(session, head):
    scan = replace(head, brain=volume_folders.head().brain)
    found = session.guide(scan, head.shape, head.to_patient)
    np.testing.assert_array_equal(found.brain, scan.brain != 0)


def test_a_session_is_free_where_no_thread_could_begin(session, head, monkeypatch):
    def no_thread(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            session.receive(head.shape, head.to_patient)
    with session.receive(head.shape, head.to_patient):
        pass
