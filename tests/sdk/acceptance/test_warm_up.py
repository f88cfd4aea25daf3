"""Golden vectors that are of another network, or missing, are found out when a folder is opened."""

import io
from dataclasses import replace

import folders
import numpy as np
import pytest

import sdk
from sdk.golden import pack_golden
from sdk.model_folder import write_folder


def with_golden(path, pairs):
    """A folder of the stand-in network with other golden vectors, in its manifest too."""
    folder = folders.quality_folder(path)
    files = {name: (path / name).read_bytes() for name in folder.manifest.files}
    return write_folder(path, folder.manifest, files | {"golden.npz": pack_golden(pairs)})


def image(side):
    return np.zeros((1, 1, side, side), np.float32)


def pair(inputs=None, outputs=None):
    return (
        inputs or {"frame": image(folders.SIDE)},
        outputs or {"grade": np.zeros((1, 3), np.float32)},
    )


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (pair(inputs={"image": np.zeros(3, np.float32)}), "takes frame, recorded was image"),
        (
            pair(inputs={"frame": image(8)}),
            r"recorded was \(1, 1, 8, 8\)",
        ),
        (pair(outputs={"class": np.zeros(3, np.float32)}), "gives .*, recorded was class"),
        (pair(outputs={"grade": np.zeros((1, 4), np.float32)}), r"recorded was \(1, 4\)"),
    ],
)
def test_vectors_of_another_network_are_refused(tmp_path, vectors, said):
    folder = with_golden(tmp_path / "model", [vectors])
    with pytest.raises(sdk.ModelFolderError, match=said):
        sdk.Session(folder.path)


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    files = {name: (folder.path / name).read_bytes() for name in folder.manifest.files}
    files["golden.npz"] = files["golden.npz"][: len(files["golden.npz"]) // 2]
    folder = write_folder(folder.path, folder.manifest, files)
    with pytest.raises(sdk.ModelFolderError, match="holds no golden vectors"):
        sdk.Session(folder.path)


def test_every_outcome_says_that_nothing_was_compared(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    files = {name: (folder.path / name).read_bytes() for name in folder.manifest.files}
    bare = write_folder(folder.path, replace(folder.manifest, golden=None), files)
    frame = sdk.Frame(pixels=np.zeros((64, 64), np.uint16), bits_stored=12)
    with sdk.Session(bare.path) as session:
        assert any("no golden vectors" in note for note in session(frame).notes)


def test_an_array_in_the_place_of_an_archive_is_refused(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    files = {name: (folder.path / name).read_bytes() for name in folder.manifest.files}
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    folder = write_folder(folder.path, folder.manifest, files | {"golden.npz": buffer.getvalue()})
    with pytest.raises(sdk.ModelFolderError, match="holds no golden vectors"):
        sdk.Session(folder.path)
