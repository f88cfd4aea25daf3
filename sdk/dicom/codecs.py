"""One compressed frame to stored values, by the decoder chosen for its transfer syntax."""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from sdk.dicom.header import foreign_errors
from sdk.errors import DicomError

# One decoder per syntax, the same on every machine: lossy JPEG decoders differ in the last bit.
RLE, PILLOW, JPEG_LS = ("pydicom", "pydicom"), ("pillow", "pillow"), ("pyjpegls", "pyjpegls")
JPEG2000 = ("pylibjpeg", "pylibjpeg pylibjpeg-openjpeg")
GDCM = ("gdcm", "python-gdcm")
DECODERS = {
    "1.2.840.10008.1.2.5": RLE,
    "1.2.840.10008.1.2.4.50": PILLOW,  # JPEG Baseline
    "1.2.840.10008.1.2.4.51": GDCM,  # JPEG Extended
    "1.2.840.10008.1.2.4.57": GDCM,  # JPEG Lossless
    "1.2.840.10008.1.2.4.70": GDCM,  # JPEG Lossless, selection value 1
    "1.2.840.10008.1.2.4.80": JPEG_LS,
    "1.2.840.10008.1.2.4.81": JPEG_LS,
    "1.2.840.10008.1.2.4.90": JPEG2000,
    "1.2.840.10008.1.2.4.91": JPEG2000,
    "1.2.840.10008.1.2.4.201": JPEG2000,  # High-Throughput JPEG 2000
    "1.2.840.10008.1.2.4.202": JPEG2000,
    "1.2.840.10008.1.2.4.203": JPEG2000,
}
END_WITHIN = 64  # bytes from the end of a frame, where padding may follow the last marker


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """What the header says about a stored value, and how it is encoded.

    Attributes:
        shape: (rows, columns).
        bits_allocated: 8 or 16.
        bits_stored: significant bits.
        photometric: PhotometricInterpretation (0028,0004).
        syntax: transfer syntax UID.
        little_endian: byte order of uncompressed pixels.
    """

    shape: tuple[int, int]
    bits_allocated: int
    bits_stored: int
    photometric: str
    syntax: str
    little_endian: bool

    @property
    def compressed(self) -> bool:
        """Whether the pixels are encapsulated."""
        return self.syntax in DECODERS

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame once decoded."""
        return self.shape[0] * self.shape[1] * self.bits_allocated // 8


@cache
def check_decoder(syntax: str) -> str:
    """The decoder that will be used for a transfer syntax.

    Raises:
        DicomError: there is none, or it is not installed.
    """
    tag = "Transfer Syntax UID (0002,0010)"
    if syntax not in DECODERS:
        raise DicomError(f"{tag} {syntax!r:.70} is not supported; transcode the file")
    plugin, package = DECODERS[syntax]
    if plugin not in get_decoder(UID(syntax)).available_plugins:
        raise DicomError(f"{tag} {UID(syntax).name} needs a decoder; pip install {package}")
    return plugin


def transfer_syntaxes() -> dict[str, str]:
    """Name of every compressed transfer syntax, and why it cannot be decoded here, "" if it can."""
    return {UID(syntax).name: _problem(syntax) for syntax in DECODERS}


def _problem(syntax: str) -> str:
    try:
        check_decoder(syntax)
    except DicomError as error:
        return str(error)
    return ""


def decode(data: bytes, layout: PixelFormat, where: str) -> Any:
    """(rows, columns) stored values of one frame, read-only.

    Bits above BitsStored, where old files hide overlays, are not part of a stored value; a frame
    that has some is copied without them. Uncompressed frames are views of `data` otherwise.

    Raises:
        DicomError: the bytes are not an image of this format.
    """
    pixels = _decompress(data, layout, where) if layout.compressed else _view(data, layout)
    white = (1 << layout.bits_stored) - 1
    if layout.bits_stored < layout.bits_allocated and pixels.max() > white:
        pixels = pixels & pixels.dtype.type(white)
    pixels.flags.writeable = False
    return pixels


def _view(data: bytes, layout: PixelFormat) -> Any:
    if layout.bits_allocated == 8:
        return np.frombuffer(data, np.uint8).reshape(layout.shape)
    order = "<u2" if layout.little_endian else ">u2"
    return np.frombuffer(data, order).reshape(layout.shape).astype(np.uint16, copy=False)


def _decompress(data: bytes, layout: PixelFormat, where: str) -> Any:
    check_encoded(data, layout, where)
    options: dict[str, Any] = {
        "rows": layout.shape[0],
        "columns": layout.shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": 0,
        "photometric_interpretation": layout.photometric,
        "pixel_keyword": "PixelData",
        "decoding_plugin": check_decoder(layout.syntax),
    }
    with foreign_errors(where, "the frame is damaged; send the file again"):
        buffer = encapsulate([data], has_bot=False)
        pixels, _ = get_decoder(UID(layout.syntax)).as_array(buffer, index=0, raw=True, **options)
    expected = np.dtype(f"uint{layout.bits_allocated}")
    if pixels.shape != layout.shape or pixels.dtype != expected:
        raise DicomError(
            f"{where}: decoded to {pixels.dtype} {pixels.shape}, but the header promises "
            f"{expected} {layout.shape}; correct the header"
        )
    return pixels


def check_encoded(data: bytes, layout: PixelFormat, where: str) -> None:
    """Compares what a compressed frame says of itself with the header, before it is decoded.

    Raises:
        DicomError: it is cut off, of another size, or too short for what the header promises.
    """
    if DECODERS[layout.syntax] is RLE:
        _check_segments(data, layout, where)
    else:
        _check_codestream(data, layout, where)


def _check_segments(data: bytes, layout: PixelFormat, where: str) -> None:
    segments = struct.unpack_from("<I", data)[0] if len(data) >= 64 else 0
    if segments != layout.bits_allocated // 8 or layout.frame_bytes > 64 * len(data):
        raise DicomError(
            f"{where}: {len(data)} bytes in {segments} RLE segments cannot hold "
            f"{layout.shape[0]} x {layout.shape[1]} pixels of {layout.bits_allocated} bits; "
            "correct the header or send the file again"
        )


def _check_codestream(data: bytes, layout: PixelFormat, where: str) -> None:
    found = _jpeg2000_size(data) if data[:2] == b"\xff\x4f" else _jpeg_size(data)
    if found is None:
        raise DicomError(f"{where}: no JPEG image begins there; send the file again")
    if b"\xff\xd9" not in data[-END_WITHIN:]:  # not every decoder notices
        raise DicomError(f"{where}: the JPEG image has no end; send the file again")
    rows, columns, samples = found
    if (rows, columns) != layout.shape or samples != 1:
        raise DicomError(
            f"{where}: the compressed image is {rows} x {columns} x {samples}, but the header "
            f"promises {layout.shape[0]} x {layout.shape[1]} x 1; correct the header"
        )


def _jpeg_size(data: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) of the first start-of-frame marker (ITU-T T.81, B.2.2)."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns, samples = struct.unpack_from(">HHB", data, at + 5)
            return rows, columns, samples
        at += 1 if marker == 0xFF else 2 + length
    return None


def _jpeg2000_size(data: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, samples) of the SIZ marker (ITU-T T.800, A.5.1)."""
    if len(data) < 42 or data[2:4] != b"\xff\x51":
        return None
    width, height, left, top = struct.unpack_from(">4I", data, 8)
    return height - top, width - left, struct.unpack_from(">H", data, 40)[0]
