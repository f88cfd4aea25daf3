"""What all sessions share: one caller at a time, and one word for networks that run alike."""

from threading import Event, Thread

import pytest
import volume_folders

import sdk
from sdk.model_folder import ModelFolder
from sdk.opened_folder import OpenedFolder


def opened(path, **precisions):
    backends = {}
    for name, precision in precisions.items():
        backends[name] = sdk.ReplayBackend((), [{}])
        backends[name].precision = precision
        backends[name].notes = ("the same note", f"a note of {name}")
    folder = ModelFolder.open(volume_folders.microbleed_folder(path).path)
    return OpenedFolder(folder, backends)


def test_networks_that_run_alike_are_named_once(tmp_path):
    assert opened(tmp_path, a="fp32", b="fp32").precision == "fp32"
    assert opened(tmp_path, a="int8", b="fp32").precision == "a int8, b fp32"
    assert opened(tmp_path, a="int8", b="fp32").backend == "replay"


def test_a_note_is_said_once(tmp_path):
    notes = opened(tmp_path, a="fp32", b="fp32").notes
    assert notes == ("the same note", "a note of a", "a note of b")


def test_it_serves_one_caller_and_none_once_closed(tmp_path):
    folder = opened(tmp_path, a="fp32")
    with folder._taken(), pytest.raises(sdk.SessionError, match="another frame"), folder._taken():
        pass
    folder.close()
    with pytest.raises(sdk.SessionError, match="closed"), folder._taken():
        pass


@pytest.fixture
def closable(tmp_path, monkeypatch):
    """A folder, and a list that its backend adds itself to when it is closed."""
    folder, closed = opened(tmp_path, a="fp32"), []
    backend = folder._backends["a"]
    monkeypatch.setattr(backend, "close", lambda: closed.append(backend))
    return folder, closed


def test_closing_waits_for_the_answer_of_another_thread(closable):
    folder, closed = closable
    answering, done = Event(), Event()

    def answer():
        with folder._taken():
            answering.set()
            assert done.wait(10)

    threads = [Thread(target=answer), Thread(target=folder.close)]
    threads[0].start()
    assert answering.wait(10)
    threads[1].start()
    threads[1].join(0.1)
    assert threads[1].is_alive()
    assert not closed
    done.set()
    for thread in threads:
        thread.join(10)
    assert closed


def test_closed_in_the_midst_of_an_answer_it_lets_that_end_first(closable):
    folder, closed = closable
    with folder._taken():
        folder.close()
        assert not closed
        with pytest.raises(sdk.SessionError, match="closed"), folder._taken():
            pass
    assert closed


def test_a_graph_that_cannot_be_released_leaves_no_session_busy(closable, monkeypatch):
    folder, _ = closable
    monkeypatch.setattr(folder._backends["a"], "close", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError), folder._taken():
        folder.close()
    assert not folder._busy.locked()


def test_closing_cancels_the_volume_that_is_under_way(tmp_path):
    session = sdk.VolumeSession(volume_folders.microbleed_folder(tmp_path / "model").path)
    options = sdk.VolumeOptions(progress=lambda *_: session.close())
    outcome = session(volume_folders.head((12, 40, 30)), options)
    assert (outcome.status, outcome.reason) == (sdk.Status.CANCELLED, "the session was closed")
    with pytest.raises(sdk.SessionError, match="closed"):
        session(volume_folders.head((12, 40, 30)))
