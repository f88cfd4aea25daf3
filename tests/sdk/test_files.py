"""A file appears when it is whole, or stays as it was."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sdk.files import write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    for content in (b"first", b"second"):
        write_whole(tmp_path / "file", content)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_whole(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_is_cut_off_leaves_what_was_there(tmp_path, monkeypatch):
    write_whole(tmp_path / "file", b"first")

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "file", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_threads_that_write_one_file_do_not_meet(tmp_path):
    contents = [bytes([number]) * 4096 for number in range(100)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda content: write_whole(tmp_path / "file", content), contents))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() in contents
