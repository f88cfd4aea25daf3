"""The elements of a DICOM header, read with the checks and the errors a hostile file needs."""

import math
import warnings
from collections.abc import Iterable, Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import pydicom
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from sdk.errors import DicomError


@contextmanager
def foreign_errors(where: str, remedy: str) -> Iterator[None]:
    """Turns whatever pydicom and its codecs raise into a DicomError, and keeps warnings inside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except DicomError:
            raise
        except MemoryError as error:
            raise DicomError(f"{where}: out of memory; {remedy}") from error
        except Exception as error:  # parsers of hostile bytes raise anything
            reason = " ".join(str(error).partition("Traceback")[0].split())[:300]
            reason = reason or type(error).__name__
            raise DicomError(f"{where}: {reason}; {remedy}") from error


def describe(keyword: str) -> str:
    """An attribute as people look it up: Rows (0028,0010)."""
    tag = tag_for_keyword(keyword) or 0
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


@dataclass(frozen=True, eq=False)
class Header:
    """The elements before the pixels, or one item of a sequence in them.

    Every reader maps an absent or empty element to "nothing" (None, "" or ()), and refuses a value
    that is not what the standard says it must be.

    Attributes:
        path: the file, for errors.
        dataset: what pydicom read.
        pixels_at: offset in the file of the first element that was not read.
    """

    path: Path
    dataset: pydicom.Dataset
    pixels_at: int = 0
    _items: dict[str, list["Header"]] = field(default_factory=dict, repr=False)

    @property
    def syntax(self) -> str:
        """Transfer syntax UID (0002,0010)."""
        with foreign_errors(str(self.path), "the file meta information is damaged"):
            syntax = self.dataset.file_meta.get("TransferSyntaxUID")
        if not syntax:
            self.refuse("TransferSyntaxUID", "is missing", "the pixels cannot be understood")
        return str(syntax)

    @property
    def explicit(self) -> bool:
        """Whether elements carry their value representation."""
        return self.dataset.original_encoding[0] is False

    @property
    def little_endian(self) -> bool:
        """Byte order of elements and uncompressed pixels."""
        return self.dataset.original_encoding[1] is not False

    def refuse(self, keyword: str, problem: str, remedy: str) -> NoReturn:
        """Raises a DicomError that names the file, the attribute and what to do."""
        raise DicomError(f"{self.path}: {describe(keyword)} {problem}; {remedy}")

    def values(self, keyword: str) -> tuple[Any, ...]:
        """All values of an element."""
        with foreign_errors(f"{self.path}: {describe(keyword)}", "the element is damaged"):
            value = self.dataset.get(keyword)
            if value is None or value == "":
                return ()
            return tuple(value) if isinstance(value, MutableSequence) else (value,)

    def texts(self, keyword: str) -> tuple[str, ...]:
        """All values of an element as text."""
        return tuple(str(value).strip() for value in self.values(keyword))

    def text(self, keyword: str) -> str:
        """The first value of an element as text, "" if there is none."""
        return next(iter(self.texts(keyword)), "")

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All values of an element as finite numbers."""
        try:
            numbers = tuple(float(value) for value in self.values(keyword))
        except (TypeError, ValueError, OverflowError):
            numbers = (math.nan,)
        if not all(map(math.isfinite, numbers)):
            self.refuse(keyword, f"must be numbers, got {self.shown(keyword)}", "correct the file")
        return numbers

    def number(self, keyword: str) -> float | None:
        """The first value of an element as a finite number, None if there is none."""
        return next(iter(self.numbers(keyword)), None)

    def integers(self, keyword: str) -> tuple[int, ...]:
        """All values of an element as whole numbers."""
        numbers = self.numbers(keyword)
        if any(number != int(number) for number in numbers):
            self.refuse(keyword, f"must be whole, got {self.shown(keyword)}", "correct the file")
        return tuple(int(number) for number in numbers)

    def integer(self, keyword: str, default: int | None = None) -> int:
        """The first value of an element as a whole number; required if there is no default."""
        value = next(iter(self.integers(keyword)), default)
        if value is None:
            self.refuse(keyword, "is missing", "the pixels cannot be understood without it")
        return value

    def bytes_of(self, keyword: str) -> bytes:
        """The bytes of a binary element."""
        value = next(iter(self.values(keyword)), b"")
        return value if isinstance(value, bytes) else b""

    def items(self, keyword: str) -> list["Header"]:
        """The items of a sequence."""
        if keyword not in self._items:
            values = self.values(keyword)
            if not all(isinstance(value, pydicom.Dataset) for value in values):
                self.refuse(keyword, "must be a sequence", "correct the file")
            self._items[keyword] = [Header(self.path, value) for value in values]
        return self._items[keyword]

    def groups(self, frame: int) -> list["Header"]:
        """Where a frame is described: its functional groups, the shared ones, this header."""
        own = self.items("PerFrameFunctionalGroupsSequence")[frame : frame + 1]
        shared = self.items("SharedFunctionalGroupsSequence")[:1]
        return [place for group in (*own, *shared) for place in (group, *group.macros)] + [self]

    def of_frame(self, keyword: str, frame: int = 0) -> "Header":
        """The place that speaks of an attribute of a frame; this header if there is none."""
        return next((group for group in self.groups(frame) if keyword in group.dataset), self)

    def per_frame(self, keyword: str) -> bool:
        """Whether frames speak of an attribute for themselves: all of them then, or none."""
        first = self.items("PerFrameFunctionalGroupsSequence")[:1]
        return any(keyword in place.dataset for one in first for place in (one, *one.macros))

    def check_steady(self, keywords: Iterable[str]) -> None:
        """Refuses attributes that have several values in a run."""
        frames = range(len(self.items("PerFrameFunctionalGroupsSequence")))
        for keyword in filter(self.per_frame, keywords):
            if len({self.of_frame(keyword, frame).texts(keyword) for frame in frames}) > 1:
                self.refuse(keyword, "changes inside the run", "split the run where it changes")

    @cached_property
    def macros(self) -> list["Header"]:
        """The first item of every sequence in here."""
        with foreign_errors(f"{self.path}: functional groups", "the sequence is damaged"):
            keywords = [element.keyword for element in self.dataset if element.VR == "SQ"]
        return [item for keyword in filter(None, keywords) for item in self.items(keyword)[:1]]

    def shown(self, keyword: str) -> str:
        """The values of an element for a message, cut short."""
        return repr("\\".join(self.texts(keyword)))[:60]


def read_header(path: Path) -> Header:
    """Reads everything in front of the pixels.

    Raises:
        DicomError: the file is absent, not DICOM, or damaged.
    """
    with foreign_errors(str(path), "give a readable DICOM file"), path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            raise DicomError(f"{path}: no DICOM file begins there; give an XA file")
        if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            # pydicom would inflate all of it at once, however large it turns out to be
            raise DicomError(f"{path}: deflated files are not supported; transcode it")
        file.seek(0)
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
        return Header(path, dataset, file.tell())


def software_version() -> str:
    """Of this SDK, as written files name it (SoftwareVersions)."""
    try:
        return version("angioedge")
    except PackageNotFoundError:
        return "unknown"
