"""Frames out of NumPy files and archives of them."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from sdk.errors import DAMAGED, AngioEdgeError, FrameError
from sdk.frame import Frame, Intensity


class ArrayFrames:
    """A (frames, rows, columns) or (rows, columns) array in a file, read frame by frame.

    That of an archive may be packed: it is kept while its frames are asked for.
    """

    def __init__(self, file: Path, member: str | None = None) -> None:
        self._file, self._member, self._kept = file, member, b""
        with self._stream() as stream:
            shape, columns_first, self._dtype = _read_header(stream)
            self._start = stream.tell()
        if len(shape) not in {2, 3} or columns_first or self._dtype.name not in {"uint8", "uint16"}:
            raise ValueError(
                f"expected (frames, rows, columns) of uint8 or uint16 in C order, got {shape} of "
                f"{self._dtype.name}{' in Fortran order' if columns_first else ''}"
            )
        self._length, self._shape = (1 if len(shape) == 2 else shape[0]), shape[-2:]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Frame]:
        return map(self.__getitem__, range(self._length))

    def __getitem__(self, index: int) -> Frame:
        if not 0 <= index < self._length:
            raise IndexError(f"{self._file} holds {self._length} frames, there is no frame {index}")
        size = self._dtype.itemsize * self._shape[0] * self._shape[1]
        try:
            content = self._read(self._start + index * size, size)
        except (AngioEdgeError, *DAMAGED) as error:
            raise FrameError(
                f"{self._file}: frame {index} cannot be read: {error}; copy the file again"
            ) from error
        if len(content) != size:
            raise FrameError(f"{self._file} ends before frame {index}; copy it again")
        pixels = np.frombuffer(content, self._dtype).reshape(self._shape)
        if index + 1 == self._length:
            self._kept = b""
        native = pixels.astype(self._dtype.newbyteorder("="), copy=False)
        return Frame(pixels=native, index=index, intensity=Intensity.DISP)

    def _read(self, start: int, size: int) -> bytes:
        if self._kept:
            return self._kept[start : start + size]
        with self._stream() as stream:
            if self._member is None:
                stream.seek(start)
                return stream.read(size)
            self._kept = stream.read()
        return self._kept[start : start + size]

    def _stream(self) -> IO[bytes]:
        if self._member is None:
            return self._file.open("rb")
        return zipfile.ZipFile(self._file).open(self._member)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)
