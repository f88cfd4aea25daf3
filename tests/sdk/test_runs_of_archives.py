"""Every array in an archive of NumPy is a run, wherever it lies in there."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from sdk.cli.out_folder import make_folders
from sdk.errors import FrameError
from sdk.runs import open_runs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 4096, (4, 24, 32), np.uint16)


def test_an_array_may_lie_in_a_folder_of_an_archive(tmp_path, pixels):
    path = tmp_path / "runs.npz"
    np.savez(path, **{"left/lateral": pixels, "left/times": np.zeros(4), "none/": pixels[:0]})
    said = []
    (run,) = open_runs(path, left_out=said.append)
    assert run.name == "runs.npz:left/lateral.npy"
    assert np.array_equal([frame.pixels for frame in run], pixels)
    assert said[0].startswith(f"{path}:left/times.npy cannot be read: expected (frames, rows")
    assert said[1] == f"{path}:none/.npy holds no frames; give a run of at least one"
    folders = make_folders(tmp_path, [Path(run.name).stem] * 2)
    assert [folder.name for folder in folders] == ["001-lateral", "002-lateral"]


def test_golden_vectors_are_refused_as_what_they_are():
    with pytest.raises(FrameError, match=r"golden\.npz:0/inputs.* cannot be read: .* of float16"):
        open_runs(ROOT / "models" / "angiogram_quality" / "golden.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_is_unpacked_once_for_a_run(tmp_path, pixels, save, monkeypatch):
    save(tmp_path / "runs.npz", frames=pixels)
    (run,) = open_runs(tmp_path / "runs.npz")
    opened, stream = [], zipfile.ZipFile.open

    def counted(archive, name, *arguments, **options):
        opened.append(name)
        return stream(archive, name, *arguments, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    for _ in "ab":
        assert np.array_equal([frame.pixels for frame in run], pixels)
    assert opened == ["frames.npy"] * 2, "let go of after the last frame, and read again"


@pytest.mark.parametrize("index", [-1, 4])
def test_a_frame_that_is_not_there_is_an_index_error(tmp_path, pixels, index):
    np.savez(tmp_path / "runs.npz", frames=pixels)
    np.save(tmp_path / "run.npy", pixels)
    for run in open_runs(tmp_path):
        with pytest.raises(IndexError, match=f"holds 4 frames, there is no frame {index}"):
            run.frames[index]
