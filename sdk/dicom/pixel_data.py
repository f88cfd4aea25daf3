"""Where the pixels of each frame lie in the file, found without reading them."""

import os
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from sdk.dicom.header import Header
from sdk.errors import DicomError

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
DELIMITER = 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
MAX_FRAGMENTS = 1 << 20
FRAME_STARTS = (b"\xff\xd8", b"\xff\x4f")  # JPEG and JPEG-LS SOI, JPEG 2000 SOC

Piece = tuple[int, int]  # (offset in the file, bytes)


@dataclass(frozen=True, slots=True)
class FrameStore:
    """The bytes of every frame, read one frame at a time.

    The file is opened for each frame, so a run needs no closing, may be pickled and may be read by
    several threads. A file that was replaced in between is noticed.

    Attributes:
        path: the file.
        pieces: per frame, where its bytes lie.
        stamp: size and modification time of the file when it was indexed.
    """

    path: Path
    pieces: tuple[tuple[Piece, ...], ...]
    stamp: tuple[int, int]

    def read(self, frame: int) -> bytes:
        """The bytes of one frame, native or encoded."""
        try:
            with self.path.open("rb") as file:
                if _stamp(file) != self.stamp:
                    raise DicomError(f"{self.path}: changed since it was opened; open it again")
                return b"".join(_read_at(file, *piece) for piece in self.pieces[frame])
        except OSError as error:
            raise DicomError(f"{self.path}: frame {frame}: {error}; open the file again") from error


def index_native(header: Header, frames: int, frame_bytes: int) -> FrameStore:
    """Finds the frames of uncompressed pixel data."""
    with header.path.open("rb") as file:
        start, length = _pixel_element(header, file)
        here = os.fstat(file.fileno()).st_size - start
        expected = frames * frame_bytes
        if length not in (expected, expected + expected % 2):
            header.refuse(
                "PixelData",
                f"has {length} bytes, but NumberOfFrames (0028,0008), Rows, Columns and "
                f"BitsAllocated make {frames} x {frame_bytes} = {expected}",
                "correct the header or send the file again",
            )
        if here < expected:
            header.refuse(
                "PixelData", f"is cut off after {here} of {expected} bytes", "send the file again"
            )
        pieces = (((start + frame * frame_bytes, frame_bytes),) for frame in range(frames))
        return FrameStore(header.path, tuple(pieces), _stamp(file))


def index_encapsulated(header: Header, frames: int) -> FrameStore:
    """Finds the fragments of every frame of compressed pixel data (DICOM PS3.5 A.4)."""
    with header.path.open("rb") as file:
        start, length = _pixel_element(header, file)
        if length != UNDEFINED:
            header.refuse("PixelData", "of a compressed file must be items", "transcode the file")
        table, *fragments = _items(header, file, start)
        groups = _group(header, file, fragments, table, frames)
        return FrameStore(header.path, groups, _stamp(file))


def _stamp(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise DicomError(f"{file.name}: ends at byte {offset + len(data)}; send the file again")
    return data


def _pixel_element(header: Header, file: BinaryIO) -> Piece:
    """Where the value of PixelData begins, and its length."""
    explicit, order = header.explicit, "<" if header.little_endian else ">"
    file.seek(header.pixels_at)
    element = file.read(12 if explicit else 8)
    if len(element) < 8 or _tag(element, order) != PIXEL_DATA:
        header.refuse("PixelData", "is missing or the file is cut off", "send the file again")
    if len(element) < (12 if explicit else 8):
        header.refuse("PixelData", "is cut off", "send the file again")
    return file.tell(), struct.unpack(order + "I", element[-4:])[0]


def _tag(element: bytes, order: str) -> int:
    group, number = struct.unpack(order + "HH", element[:4])
    return int(group << 16 | number)


def _items(header: Header, file: BinaryIO, start: int) -> list[Piece]:
    """The offset table and the fragments, without their item headers."""
    size, at = os.fstat(file.fileno()).st_size, start
    found: list[Piece] = []
    while len(found) <= MAX_FRAGMENTS:
        file.seek(at)
        head = file.read(8)
        tag = _tag(head, "<") if len(head) == 8 else None
        if tag == DELIMITER and found:
            return found
        length = struct.unpack("<I", head[4:])[0] if tag == ITEM else size
        if at + 8 + length > size:
            problem = "is cut off" if tag in (None, ITEM) else f"is damaged at byte {at}"
            header.refuse("PixelData", f"{problem} after {len(found)} items", "send the file again")
        found.append((at + 8, length))
        at += 8 + length
    return header.refuse("PixelData", f"has over {MAX_FRAGMENTS} fragments", "transcode the file")


def _group(
    header: Header, file: BinaryIO, fragments: list[Piece], table: Piece, frames: int
) -> tuple[tuple[Piece, ...], ...]:
    """One fragment per frame, else by the offset table, else by where codestreams begin."""
    if len(fragments) == frames:
        starts: list[int] | None = list(range(frames))
    else:
        starts = _by_table(header, file, fragments, table, frames)
    if starts is None:
        starts = [n for n, (at, _) in enumerate(fragments) if _peek(file, at) in FRAME_STARTS]
        starts = starts or [0][: len(fragments)]
    if len(starts) != frames or starts[:1] != [0]:
        header.refuse(
            "NumberOfFrames",
            f"is {frames}, but PixelData (7FE0,0010) has {len(fragments)} fragments in which "
            f"{len(starts)} frames begin",
            "correct the header or send the file again",
        )
    ends = [*starts[1:], len(fragments)]
    return tuple(tuple(fragments[a:b]) for a, b in zip(starts, ends, strict=True))


def _by_table(
    header: Header, file: BinaryIO, fragments: list[Piece], table: Piece, frames: int
) -> list[int] | None:
    """The first fragment of every frame by the extended or basic offset table, if it fits."""
    extended = header.bytes_of("ExtendedOffsetTable")
    data, width = (extended, 8) if extended else (_read_at(file, *table), 4)
    if len(data) != width * frames:
        return None
    offsets = struct.unpack(f"<{frames}{'Q' if width == 8 else 'I'}", data)
    first_item = table[0] + table[1] + 8
    known = {at - first_item: number for number, (at, _) in enumerate(fragments)}
    starts = [known.get(offset, -1) for offset in offsets]
    ordered = all(a < b for a, b in pairwise(starts))
    return starts if ordered and starts[0] == 0 else None


def _peek(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.read(2)
