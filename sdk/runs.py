"""Runs of frames out of DICOM, PNG, NIfTI and NumPy files; one is read when it is asked for."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sdk.dicom import INDEX, read_xa
from sdk.errors import DAMAGED, AngioEdgeError, FrameError
from sdk.frame import Frame, Intensity
from sdk.nifti import read_nifti_frames
from sdk.npy import ArrayFrames

PNG = b"\x89PNG\r\n\x1a\n"
NPY = b"\x93NUMPY"
DICOM_PREAMBLE = 128
EXPECTED = "DICOM XA, PNG, NIfTI, .npy and .npz files are read"
SUFFIXES = (".dcm", ".nii", ".nii.gz", ".npy", ".npz", ".png")
GREY, COLOUR_TYPE_AT = 0, 25  # in a PNG header
RESOURCES = "._"
"""Prefix of the resource-fork files that macOS writes on other disks."""


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
            FrameError, DicomError: a frame cannot be read; the next call goes on with the next.
        """
        return iter(self.frames)


def open_runs(
    paths: str | Path | Iterable[str | Path], *, left_out: Callable[[str], None] | None = None
) -> list[Run]:
    """Opens files and folders; every PNG folder is one run, every other file one or more.

    Folders are searched for such files in the order of their names, numbers by value. The index of
    a DICOM export, DICOMDIR, is passed over. A damaged PNG file keeps its place in the run of its
    folder.

    Args:
        paths: one or several.
        left_out: called with a sentence for everything in a folder or an archive that is no run,
            where others are; None makes it an error.

    Raises:
        FrameError: a file cannot be read, or holds no frames, or there is none in a folder.
    """
    given = [paths] if isinstance(paths, (str, Path)) else paths
    return [run for path in given for run in _runs_of(Path(path), left_out)]


def _runs_of(path: Path, left_out: Callable[[str], None] | None) -> list[Run]:
    opened = list(_opened(path))
    runs = [item for item in opened if isinstance(item, Run)]
    refused = [item for item in opened if isinstance(item, FrameError)]
    for error in refused:
        if left_out is None or not runs:
            raise error
        left_out(str(error))
    return runs


def _opened(path: Path) -> Iterator[Run | FrameError]:
    """The runs of a file or a folder, and in the place of one that cannot be read, why."""
    if not path.exists():
        raise FrameError(f"there is no file or folder {path}; give runs of frames")
    kinds: dict[Path, str] = {}
    if not path.is_dir():
        kinds[path] = _kind(path)
    else:
        inside = sorted((file for file in path.rglob("*") if file.is_file()), key=_by_number)
        for file in inside:
            try:
                kinds |= {file: kind} if (kind := _kind(file)) else {}
            except FrameError as error:  # noqa: PERF203  of one file among others
                yield error
        if not kinds:
            raise FrameError(f"{path} holds no frames; {EXPECTED}")
    for first, *others in _grouped(kinds):
        if kinds[first] == ".png":
            yield Run(_name(path, first), _PngFrames([first, *others]))
        else:
            yield from _open(first, kinds[first])


def _grouped(kinds: Mapping[Path, str]) -> list[list[Path]]:
    """The PNG files of a folder together, every other file by itself."""
    groups: dict[Path, list[Path]] = {}
    for file, kind in kinds.items():
        groups.setdefault(file.parent if kind == ".png" else file, []).append(file)
    return list(groups.values())


def _name(given: Path, file: Path) -> str:
    return file.name if given == file else file.parent.name


def _open(file: Path, kind: str) -> Iterator[Run | FrameError]:
    expected = "" if kind else f"; {EXPECTED}"
    try:
        readers = _readers(file, kind)
    except (AngioEdgeError, *DAMAGED) as error:
        yield _unreadable(str(file), error)
        return
    for name, read in readers.items():
        label = str(file) + name.removeprefix(file.name)  # of an archive with the member
        try:
            frames = read()
        except (AngioEdgeError, *DAMAGED) as error:
            yield _unreadable(label, error, expected)
            continue
        if len(frames):
            yield Run(name, frames, getattr(frames, "frame_rate_hz", None))
        else:
            yield FrameError(f"{label} holds no frames; give a run of at least one")


def _unreadable(file: str, error: Exception, expected: str = "") -> FrameError:
    reason = str(error)
    if not reason.startswith(f"{file} "):
        reason = f"{file} cannot be read: {reason.removeprefix(f'{file}: ')}"
    return FrameError(reason + expected)


def _readers(file: Path, kind: str) -> dict[str, Callable[[], Frames]]:
    """The names of the runs of a file, and what reads each."""
    match kind:
        case ".nii" | ".nii.gz":
            return {file.name: partial(_NiftiFrames, file)}
        case ".npy":
            return {file.name: partial(ArrayFrames, file)}
        case ".npz":
            with zipfile.ZipFile(file) as archive:
                members = archive.namelist()
            return {f"{file.name}:{name}": partial(ArrayFrames, file, name) for name in members}
        case "colour png":
            raise FrameError("it is no grey image, expected 8 or 16 bit grey; save it as grey")
        case _:
            return {file.name: partial(read_xa, file)}


def _kind(file: Path) -> str:
    """The suffix that fits the content, or that of the name: it is damaged then, or NIfTI."""
    name = file.name.lower()
    if name == INDEX.lower() or name.startswith(RESOURCES):
        return ""
    try:
        with file.open("rb") as stream:
            start = stream.read(DICOM_PREAMBLE + 4)
    except OSError as error:
        raise FrameError(f"{file} cannot be read: {error.strerror}") from error
    if not start and "." not in name:  # files of a DICOM export have no suffix
        raise FrameError(f"{file} is empty; copy it again, or remove it")
    if start.startswith(PNG):
        return ".png" if start[COLOUR_TYPE_AT:][:1] in {b"", bytes([GREY])} else "colour png"
    if start.startswith(NPY):
        return ".npy"
    if start[DICOM_PREAMBLE:] == b"DICM":
        return ".dcm"
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def _by_number(file: Path) -> list[tuple[int, str]]:
    """Sorts frame_9 before frame_10."""
    parts = re.split(r"(\d+)", file.as_posix())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


class _InOrder:
    """Frames by position are frames in order too, also behind one that cannot be read."""

    def __iter__(self: Frames) -> Iterator[Frame]:
        return map(self.__getitem__, range(len(self)))


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
            with Image.open(file, formats=["PNG"]) as image:
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
