"""Phantom XA files for the tests, and ways to damage them."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from sdk.dicom.write_xa import XaInfo, write_xa


def phantom(count=4, shape=(5, 6), dtype=np.uint16, bits=12):
    """(count, rows, columns) of noise, the same every time."""
    return np.random.default_rng(count).integers(0, 1 << bits, (count, *shape), dtype)


def xa_file(folder: Path, frames=None, **info) -> Path:
    """A run that write_xa made."""
    path = folder / "run.dcm"
    write_xa(path, phantom() if frames is None else frames, XaInfo(**info))
    return path


@contextmanager
def edited(path: Path):
    """The elements of a file, written back afterwards."""
    dataset = pydicom.dcmread(path)
    yield dataset
    dataset.save_as(path)


def damage(path: Path, index: int) -> None:
    """Cuts one frame of a compressed file in half."""
    with edited(path) as dataset:
        count = int(dataset.NumberOfFrames)
        frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
        frames[index] = frames[index][: len(frames[index]) // 4 * 2]
        dataset.PixelData = encapsulate(frames)


def item(**elements) -> Dataset:
    """One item of a sequence."""
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def described(dataset: Dataset, *frames: Dataset) -> None:
    """Gives every frame its functional group."""
    dataset.PerFrameFunctionalGroupsSequence = [item(FrameContentSequence=[one]) for one in frames]
