"""Runs of frames out of DICOM, PNG, NIfTI and NumPy files; one is read when it is asked for."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from sdk.dicom import read_xa
from sdk.errors import AngioEdgeError, FrameError
from sdk.frame import Frame, Intensity
from sdk.nifti import read_nifti_frames

PNG = b"\x89PNG\r\n\x1a\n"
NPY = b"\x93NUMPY"
ZIP = b"PK\x03\x04"
DICOM_PREAMBLE = 128
EXPECTED = "DICOM XA, PNG, NIfTI, .npy and .npz files are read"
NIFTI = (".nii", ".nii.gz")


class Frames(Protocol):
    """Frames by position, each read on its own, or in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Frame: ...

    def __iter__(self) -> Iterator[Frame]: ...


@dataclass(frozen=True, eq=False)
class Run:
    """One run.

    Attributes:
        name: what to call it in messages and reports, without its folders.
        frames: in the order of time.
        frame_rate_hz: frames per second, None where the file does not say.
    """

    name: str
    frames: Frames
    frame_rate_hz: float | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order, each read when it is its turn.

        Raises:
            FrameError, DicomError: a frame cannot be read.
        """
        return iter(self.frames)


def open_runs(paths: Iterable[Path]) -> list[Run]:
    """Opens files and folders; every PNG folder is one run, every other file one or more.

    Folders are searched for such files in the order of their names, numbers by value.

    Raises:
        FrameError: a file cannot be read, or a folder holds no frames.
    """
    runs: list[Run] = []
    for path in paths:
        if not path.exists():
            raise FrameError(f"there is no file or folder {path}; give runs of frames")
        files = [path]
        if path.is_dir():
            inside = sorted((file for file in path.rglob("*") if file.is_file()), key=_by_number)
            files = [file for file in inside if _kind(file)]
            if not files:
                raise FrameError(f"{path} holds no frames; {EXPECTED}")
        for file, *others in _grouped(files):
            pictures = [file, *others]
            is_png = _kind(file) == "png"
            runs += [Run(_name(path, file), _PngFrames(pictures))] if is_png else _open(file)
    return runs


def _grouped(files: list[Path]) -> list[list[Path]]:
    """The PNG files of a folder together, every other file by itself."""
    groups: dict[Path, list[Path]] = {}
    for file in files:
        groups.setdefault(file.parent if _kind(file) == "png" else file, []).append(file)
    return list(groups.values())


def _name(given: Path, file: Path) -> str:
    return file.name if given == file else file.parent.name


def _open(file: Path) -> list[Run]:
    kind = _kind(file)
    try:
        match kind:
            case "nifti":
                return [Run(file.name, _NiftiFrames(file))]
            case "npy":
                return [Run(file.name, _ArrayFrames(file))]
            case "npz":
                with zipfile.ZipFile(file) as archive:
                    members = archive.namelist()
                return [Run(f"{file.name}:{m}", _ArrayFrames(file, m)) for m in members]
            case _:
                xa = read_xa(file)
                return [Run(file.name, xa, xa.frame_rate_hz)]
    except (AngioEdgeError, OSError, ValueError, zipfile.BadZipFile) as error:
        read = "" if kind else f"; {EXPECTED}"
        raise FrameError(f"{file} cannot be read: {error}{read}") from error


def _kind(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            start = stream.read(DICOM_PREAMBLE + 4)
    except OSError as error:
        raise FrameError(f"{file} cannot be read: {error.strerror}") from error
    if start.startswith(PNG):
        return "png"
    if start.startswith(NPY):
        return "npy"
    if start.startswith(ZIP) and file.suffix == ".npz":
        return "npz"
    if file.name.endswith(NIFTI):
        return "nifti"
    return "dicom" if start[DICOM_PREAMBLE:] == b"DICM" or file.suffix == ".dcm" else ""


def _by_number(file: Path) -> list[tuple[int, str]]:
    """Sorts frame_9 before frame_10."""
    parts = re.split(r"(\d+)", file.as_posix())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


class _InOrder:
    """Frames by position are frames in order too."""

    def __iter__(self: Frames) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))


class _PngFrames(_InOrder):
    """Grey PNG files of 8 or 16 bit, one frame each."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Frame:
        from PIL import Image

        file = self._files[index]
        try:
            with Image.open(file) as image:
                if image.mode not in {"L", "I;16"}:
                    raise FrameError(f"{file} is {image.mode}, expected 8 or 16 bit grey")
                pixels = np.asarray(image)
        except (OSError, SyntaxError) as error:  # Pillow calls damaged PNG files a syntax error
            raise FrameError(f"{file} cannot be read: {error}") from error
        return Frame(pixels=pixels, index=index, intensity=Intensity.DISP)


class _NiftiFrames(_InOrder):
    """A series of images in a NIfTI file, kept while its frames are asked for: it may be packed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: Any = read_nifti_frames(file)
        self._length = len(self._kept)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Frame:
        if self._kept is None:
            self._kept = read_nifti_frames(self._file)
        pixels = self._kept[index]
        if index + 1 == self._length:
            self._kept = None
        return Frame(pixels=pixels, index=index, intensity=Intensity.DISP)


class _ArrayFrames(_InOrder):
    """A (frames, rows, columns) or (rows, columns) array in a file, read frame by frame."""

    def __init__(self, file: Path, member: str | None = None) -> None:
        self._file, self._member = file, member
        with self._stream() as stream:
            shape, columns_first, self._dtype = _read_npy_header(stream)
            self._start = stream.tell()
        if len(shape) not in {2, 3} or columns_first or self._dtype.name not in {"uint8", "uint16"}:
            raise ValueError(
                f"expected (frames, rows, columns) of uint8 or uint16 in C order, got {shape} of "
                f"{self._dtype.name}{' in Fortran order' if columns_first else ''}"
            )
        self._length, self._shape = (1 if len(shape) == 2 else shape[0]), shape[-2:]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Frame:
        size = self._dtype.itemsize * self._shape[0] * self._shape[1]
        with self._stream() as stream:
            stream.seek(self._start + index * size)
            content = stream.read(size)
        if len(content) != size:
            raise FrameError(f"{self._file} ends before frame {index}; copy it again")
        pixels = np.frombuffer(content, self._dtype).reshape(self._shape)
        native = pixels.astype(self._dtype.newbyteorder("="), copy=False)
        return Frame(pixels=native, index=index, intensity=Intensity.DISP)

    def _stream(self) -> IO[bytes]:
        if self._member is None:
            return self._file.open("rb")
        return zipfile.ZipFile(self._file).open(self._member)


def _read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)
