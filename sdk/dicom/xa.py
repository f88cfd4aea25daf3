"""Angiographic runs out of DICOM files, frame by frame."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sdk.dicom.codecs import PixelFormat, check_decoder, check_encoded, decode
from sdk.dicom.header import Header, read_header
from sdk.dicom.intensity import read_intensity, read_rescale
from sdk.dicom.masks import Shift, read_positions, read_shifts, read_subtraction
from sdk.dicom.pixel_data import FrameStore, index_encapsulated, index_native
from sdk.dicom.shutter import read_irradiated
from sdk.dicom.spacing import SpacingOrigin, read_spacing
from sdk.dicom.timing import FrameTimes, read_frame_times
from sdk.errors import DicomError
from sdk.frame import Frame, Intensity
from sdk.mask_subtraction import MaskSubtraction
from sdk.subtraction import Position, Subtractor

SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.12.1": "X-Ray Angiographic",
    "1.2.840.10008.5.1.4.1.1.12.1.1": "Enhanced XA",
    "1.2.840.10008.5.1.4.1.1.12.2": "X-Ray Radiofluoroscopic",
    "1.2.840.10008.5.1.4.1.1.12.2.1": "Enhanced XRF",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.2": "Multi-frame Grayscale Byte Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.3": "Multi-frame Grayscale Word Secondary Capture",
}
MODALITIES = ("XA", "RF")
MAX_SIDE = 8192  # twice the largest detector


@dataclass(frozen=True, eq=False, kw_only=True)
class XaRun:
    """An angiographic run in a file; frames are read and decoded when they are asked for.

    ``len(run)``, ``for frame in run`` and ``run[index]`` work, and the last two give the same bits.
    Stored values are delivered as they are: rescale, modality and VOI tables are reported, never
    applied.

    Attributes:
        path: the file.
        rows: of every frame.
        columns: of every frame.
        bits_stored: significant bits of a stored value.
        intensity: PixelIntensityRelationship; DISP if the file does not say LIN or LOG.
        intensity_sign: 1 if a larger value means more X-ray intensity, -1 if less, None if unsaid.
        inverted: a larger stored value means less X-ray intensity: intensity_sign is -1, or the
            file is MONOCHROME1 and does not say.
        frame_times_ms: acquisition time per frame since the first, None if unknown.
        time_origin: the DICOM keyword the times come from, "" if there is none.
        pixel_spacing_mm: (row, column) size of a pixel, None if unknown or changing in the run.
        spacing_origin: where the spacing comes from, and so where it holds.
        irradiated: (rows, columns) uint8, shared by all frames; None without shutter.
        subtraction: what is subtracted from what; empty if nothing is.
        already_subtracted: the file holds subtracted frames, AppliedMaskSubtractionFlag.
        rescale: (slope, intercept) of the file, not applied.
        has_modality_lut: the file has a ModalityLUTSequence, not applied.
        positions: of table and gantry, per frame; a mask is used only where it was taken.
        mask_shifts: (row, column) displacement of the mask, per frame; None: that of its item.
    """

    path: Path
    rows: int
    columns: int
    bits_stored: int
    intensity: Intensity
    intensity_sign: int | None
    inverted: bool
    frame_times_ms: tuple[float, ...] | None
    time_origin: str
    pixel_spacing_mm: tuple[float, float] | None
    spacing_origin: SpacingOrigin
    irradiated: Any
    subtraction: tuple[MaskSubtraction, ...]
    already_subtracted: bool
    rescale: tuple[float, float] | None
    has_modality_lut: bool
    positions: tuple[Position, ...]
    mask_shifts: tuple[Shift | None, ...]
    _layout: PixelFormat
    _store: FrameStore

    def __len__(self) -> int:
        return len(self._store.pieces)

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order, each decoded once.

        Raises:
            DicomError: a frame, or one that its mask needs, is damaged; the next call goes on with
                the next.
        """
        next_one = partial(self._next, Subtractor(self.subtraction), {})
        return map(next_one, range(len(self)))

    def _next(self, subtractor: Subtractor, damaged: dict[int, DicomError], index: int) -> Frame:
        """The frame behind those that the subtractor saw and those that were damaged."""
        try:
            frame = self.native(index)
        except DicomError as error:
            damaged[index] = error
            raise
        attached = subtractor.attach(frame, position=self.positions[index])
        if lost := damaged.keys() & subtractor.sources(index):
            raise DicomError(f"frame {index} needs a damaged one: {damaged[min(lost)]}")
        return self._shifted(attached)

    def _shifted(self, frame: Frame) -> Frame:
        """The frame, with the displacement of its mask where it has one of its own."""
        shift = self.mask_shifts[frame.index]
        if frame.mask is None or shift is None:
            return frame
        return replace(frame, mask=replace(frame.mask, shift_px=shift))

    def __getitem__(self, index: int) -> Frame:
        """One frame; the frames of its mask are decoded too.

        Raises:
            DicomError: a frame is damaged.
            IndexError: the run has no such frame.
        """
        index = self._checked(index)
        subtractor = Subtractor(self.subtraction)
        *earlier, last = subtractor.sources(index)
        for source in earlier:
            subtractor.attach(self.native(source), position=self.positions[source])
        return self._shifted(subtractor.attach(self.native(last), position=self.positions[last]))

    def native(self, index: int) -> Frame:
        """One frame without a mask.

        Raises:
            DicomError: the frame is damaged.
            IndexError: the run has no such frame.
        """
        index = self._checked(index)
        where = f"{self.path}: frame {index}"
        return Frame(
            pixels=decode(self._store.read(index), self._layout, where),
            index=index,
            time_ms=None if self.frame_times_ms is None else self.frame_times_ms[index],
            pixel_spacing_mm=self.pixel_spacing_mm,
            bits_stored=self.bits_stored,
            intensity=self.intensity,
            inverted=self.inverted,
            irradiated=self.irradiated,
        )

    @property
    def frame_rate_hz(self) -> float | None:
        """Mean acquisition rate; None if unknown. Rates may change inside a run."""
        times = self.frame_times_ms
        if times is None or len(times) < 2 or times[-1] <= times[0]:
            return None
        return 1000 * (len(times) - 1) / (times[-1] - times[0])

    def _checked(self, index: int) -> int:
        frames, index = len(self), operator.index(index)
        if not -frames <= index < frames:
            raise IndexError(f"{self.path} has frames 0..{frames - 1}, got {index}")
        return index % frames


def read_xa(path: str | Path, *, subtract: bool = True) -> XaRun:
    """Opens an XA, RF, Enhanced XA or XRF image, or an angiogram kept as secondary capture.

    The header is read and every frame is located; no frame is decoded.

    Args:
        path: the file.
        subtract: give frames the masks of MaskSubtractionSequence (DICOM PS3.3 C.7.6.10). Frames
            that are subtracted already never get one.

    Raises:
        DicomError: the file is not such an image, is damaged, or contradicts itself.
    """
    path = Path(path)
    header = read_header(path)
    _check_kind(header)
    layout, frames = _read_format(header), _read_frame_count(header)
    try:
        if layout.compressed:
            store = index_encapsulated(header, frames)
            check_encoded(store.read(0), layout, f"{path}: frame 0")
        else:
            store = index_native(header, frames, layout.frame_bytes)
    except OSError as error:
        raise DicomError(f"{path}: {error}; open the file again") from error
    return _describe(header, layout, store, subtract=subtract)


def _describe(header: Header, layout: PixelFormat, store: FrameStore, *, subtract: bool) -> XaRun:
    frames = len(store.pieces)
    times: FrameTimes = read_frame_times(header, frames)
    spacing, spacing_origin = read_spacing(header, frames)
    intensity, sign = read_intensity(header)
    header.check_steady(["AppliedMaskSubtractionFlag"])
    subtracted = header.of_frame("AppliedMaskSubtractionFlag")
    already_subtracted = subtracted.text("AppliedMaskSubtractionFlag") == "YES"
    items = read_subtraction(header, frames) if subtract and not already_subtracted else ()
    return XaRun(
        path=header.path,
        rows=layout.shape[0],
        columns=layout.shape[1],
        bits_stored=layout.bits_stored,
        intensity=intensity,
        intensity_sign=sign,
        inverted=sign == -1 or (sign is None and layout.photometric == "MONOCHROME1"),
        frame_times_ms=times.times_ms,
        time_origin=times.origin,
        pixel_spacing_mm=spacing,
        spacing_origin=spacing_origin,
        irradiated=read_irradiated(header, layout.shape),
        subtraction=items,
        already_subtracted=already_subtracted,
        rescale=read_rescale(header),
        has_modality_lut=bool(header.items("ModalityLUTSequence")),
        positions=tuple(read_positions(header, frames)) if items else ((),) * frames,
        mask_shifts=read_shifts(header, items, frames) if items else (None,) * frames,
        _layout=layout,
        _store=store,
    )


def _check_kind(header: Header) -> None:
    if not header.text("SOPClassUID"):
        header.refuse("SOPClassUID", "is missing: no image, or cut off", "send the file again")
    if header.text("SOPClassUID") not in SOP_CLASSES:
        uid = header.values("SOPClassUID")[0]
        found = str(getattr(uid, "name", uid))[:60]
        known = ", ".join(SOP_CLASSES.values())
        header.refuse("SOPClassUID", f"is {found!r}, no XA or RF image", f"give one of {known}")
    if header.text("Modality") not in MODALITIES:
        problem = f"must be XA or RF, got {header.shown('Modality')}"
        header.refuse("Modality", problem, "give an XA run")


def _read_frame_count(header: Header) -> int:
    frames = header.integer("NumberOfFrames", 1)
    if frames < 1:
        header.refuse("NumberOfFrames", f"must be at least 1, got {frames}", "correct the header")
    return frames


def _read_format(header: Header) -> PixelFormat:
    for keyword, allowed in (
        ("SamplesPerPixel", (1,)),
        ("PixelRepresentation", (0,)),
        ("BitsAllocated", (8, 16)),
        ("Rows", range(1, MAX_SIDE + 1)),
        ("Columns", range(1, MAX_SIDE + 1)),
    ):
        _check_one_of(header, keyword, allowed)
    allocated = header.integer("BitsAllocated")
    _check_one_of(header, "BitsStored", range(1, allocated + 1))
    stored = header.integer("BitsStored")
    if header.integer("HighBit", stored - 1) != stored - 1:
        header.refuse("HighBit", f"must be {stored - 1}, BitsStored - 1", "transcode the file")
    photometric = header.text("PhotometricInterpretation")
    if photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        header.refuse(
            "PhotometricInterpretation",
            f"must be MONOCHROME1 or MONOCHROME2, got {header.shown('PhotometricInterpretation')}",
            "colour images are no angiograms",
        )
    layout = PixelFormat(
        shape=(header.integer("Rows"), header.integer("Columns")),
        bits_allocated=allocated,
        bits_stored=stored,
        photometric=photometric,
        syntax=header.syntax,
        little_endian=header.little_endian,
    )
    _check_syntax(header, layout)
    return layout


def _check_one_of(header: Header, keyword: str, allowed: range | tuple[int, ...]) -> None:
    value = header.integer(keyword)
    if value not in allowed:
        known = " or ".join(map(str, allowed))
        span = f"in {allowed[0]}..{allowed[-1]}" if isinstance(allowed, range) else known
        header.refuse(keyword, f"must be {span}, got {value}", "this is no angiographic image")


def _check_syntax(header: Header, layout: PixelFormat) -> None:
    native = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
    if layout.syntax not in native:
        try:
            check_decoder(layout.syntax)
        except DicomError as error:
            raise DicomError(f"{header.path}: {error}") from error
    elif layout.bits_allocated == 8 and not layout.little_endian:
        header.refuse("BitsAllocated", "8 in big endian order is ambiguous", "transcode the file")
