"""What all sessions share: one caller at a time, and one word for networks that run alike."""

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
