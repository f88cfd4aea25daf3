"""Phantom runs as valid multi-frame XA files."""

from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    XRayAngiographicImageStorage,
    generate_uid,
)

from sdk.dicom.header import foreign_errors, software_version
from sdk.dicom.shutter import Shutter
from sdk.errors import DicomError
from sdk.files import write_whole
from sdk.frame import Intensity
from sdk.mask_subtraction import MaskOperation, MaskSubtraction


class TransferSyntax(str, Enum):
    """How the pixels are written; all are lossless."""

    NATIVE = str(ExplicitVRLittleEndian)
    RLE = str(RLELossless)
    JPEG_LS = str(JPEGLSLossless)
    JPEG_2000 = str(JPEG2000Lossless)


@dataclass(frozen=True, slots=True, kw_only=True)
class XaInfo:
    """What a file says about its frames.

    Attributes:
        frame_times_ms: of every frame since the first; None: one every 33 ms. Equal steps become
            FrameTime, others FrameTimeVector.
        imager_spacing_mm: (row, column) at the detector.
        magnification: detector over isocentre.
        bits_stored: significant bits; 0: all of the dtype.
        intensity: how a stored value relates to X-ray intensity.
        inverted: MONOCHROME1, which the XA definition forbids and some files have all the same.
        shutter: display shutter, rounded to whole pixels.
        subtraction: items of MaskSubtractionSequence.
        syntax: how the pixels are written.
        description: SeriesDescription (0008,103E).
    """

    frame_times_ms: tuple[float, ...] | None = None
    imager_spacing_mm: tuple[float, float] | None = None
    magnification: float | None = None
    bits_stored: int = 0
    intensity: Intensity = Intensity.LIN
    inverted: bool = False
    shutter: Shutter | None = None
    subtraction: tuple[MaskSubtraction, ...] = ()
    syntax: TransferSyntax = TransferSyntax.NATIVE
    description: str = "Phantom"


def write_xa(path: str | Path, frames: Any, info: XaInfo | None = None) -> None:
    """Writes a run as one XA Image Storage file (DICOM PS3.3 A.14) of a made-up patient.

    Args:
        path: the file, overwritten.
        frames: (time, rows, columns) stored values, uint8 or uint16.
        info: what the file says about them.

    Raises:
        DicomError: the frames are no such array, exceed bits_stored, or contradict the info; an
            encoder is missing; the file cannot be written.
    """
    info, stored = info or XaInfo(), np.ascontiguousarray(frames)
    if stored.ndim != 3 or stored.size == 0 or stored.dtype.name not in ("uint8", "uint16"):
        raise DicomError(
            "frames must be (time, rows, columns) uint8 or uint16, "
            f"got {stored.dtype} {stored.shape}"
        )
    bits = info.bits_stored or 8 * stored.itemsize
    if not 1 <= bits <= 8 * stored.itemsize or int(stored.max()) >= 1 << bits:
        raise DicomError(f"frames of {stored.dtype} up to {stored.max()} do not fit {bits} bits")
    with foreign_errors(str(path), "the run could not be written"):
        dataset = _patient_study_equipment(info)
        _add_pixels(dataset, stored, bits, inverted=info.inverted)
        _add_acquisition(dataset, info)
        _add_times(dataset, info, len(stored))
        if info.shutter:
            _add_shutter(dataset, info.shutter)
        if info.subtraction:
            dataset.MaskSubtractionSequence = [_mask_item(item) for item in info.subtraction]
            dataset.RecommendedViewingMode = "SUB"
        if info.syntax is not TransferSyntax.NATIVE:
            dataset.compress(info.syntax.value, generate_instance_uid=False)
        content = BytesIO()
        dataset.save_as(content, enforce_file_format=True)
        write_whole(Path(path), content.getvalue())


def _patient_study_equipment(info: XaInfo) -> Dataset:
    dataset, now = Dataset(), datetime.now(tz=timezone.utc)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = XRayAngiographicImageStorage, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientName, dataset.PatientID = "Phantom^AngioEdge", "PHANTOM"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate, dataset.StudyTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.ContentDate, dataset.ContentTime = dataset.StudyDate, dataset.StudyTime
    dataset.ReferringPhysicianName = dataset.AccessionNumber = ""
    dataset.StudyID, dataset.BodyPartExamined = "1", "HEAD"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "XA", 1, 1
    dataset.SeriesDescription = info.description
    dataset.Manufacturer = dataset.ManufacturerModelName = "AngioEdge"
    dataset.SoftwareVersions = software_version()
    dataset.PatientOrientation = ""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _add_pixels(dataset: Dataset, stored: Any, bits: int, *, inverted: bool) -> None:
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * stored.itemsize, bits, bits - 1
    data = stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset.add_new(
        "PixelData", "OW" if stored.itemsize == 2 else "OB", data + b"\0" * (len(data) % 2)
    )


def _add_acquisition(dataset: Dataset, info: XaInfo) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    dataset.PixelIntensityRelationship = info.intensity.value
    if info.intensity is Intensity.LOG:  # XA wants a modality table then; this one claims nothing
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "US"
    dataset.LossyImageCompression = "00"
    dataset.KVP = dataset.XRayTubeCurrent = dataset.ExposureTime = None
    dataset.RadiationSetting = "GR"
    dataset.PositionerMotion = dataset.TableMotion = "STATIC"
    dataset.PositionerPrimaryAngle = dataset.PositionerSecondaryAngle = 0
    if info.imager_spacing_mm:
        dataset.ImagerPixelSpacing = [_decimal(length) for length in info.imager_spacing_mm]
    if info.magnification:
        dataset.EstimatedRadiographicMagnificationFactor = _decimal(info.magnification)


def _add_times(dataset: Dataset, info: XaInfo, frames: int) -> None:
    times = info.frame_times_ms
    if times is None:
        times = tuple(33.0 * frame for frame in range(frames))
    if len(times) != frames:
        raise DicomError(f"frame_times_ms has {len(times)} values for {frames} frames")
    steps = np.diff(times)
    if steps.size and steps.min() < 0:
        raise DicomError("frame_times_ms must not run backwards")
    if frames > 1 and np.ptp(steps) < 1e-6 and steps[0] > 0:
        dataset.FrameTime = _decimal(steps[0])
        dataset.FrameIncrementPointer = 0x00181063
    else:
        dataset.FrameTimeVector = [_decimal(step) for step in (0.0, *steps)]
        dataset.FrameIncrementPointer = 0x00181065


def _decimal(number: float) -> str:
    """At most the 16 characters of a decimal string."""
    return next(text for digits in range(16, 0, -1) if len(text := f"{number:.{digits}g}") <= 16)


def _add_shutter(dataset: Dataset, shutter: Shutter) -> None:
    shapes = []
    if shutter.rectangle:
        shapes.append("RECTANGULAR")
        top, left, bottom, right = (round(edge) + 1 for edge in shutter.rectangle)
        dataset.ShutterUpperHorizontalEdge, dataset.ShutterLeftVerticalEdge = top, left
        dataset.ShutterLowerHorizontalEdge, dataset.ShutterRightVerticalEdge = bottom, right
    if shutter.circle:
        shapes.append("CIRCULAR")
        row, column, radius = map(round, shutter.circle)
        dataset.CenterOfCircularShutter, dataset.RadiusOfCircularShutter = (
            [row + 1, column + 1],
            radius,
        )
    if shutter.polygon:
        shapes.append("POLYGONAL")
        dataset.VerticesOfThePolygonalShutter = [
            round(number) + 1 for vertex in shutter.polygon for number in vertex
        ]
    dataset.ShutterShape = shapes
    dataset.ShutterPresentationValue = 0


def _mask_item(item: MaskSubtraction) -> Dataset:
    dataset = Dataset()
    dataset.MaskOperation = item.operation.value
    if item.ranges:
        dataset.ApplicableFrameRange = [end + 1 for ends in item.ranges for end in ends]
    if item.operation is MaskOperation.AVG_SUB:
        dataset.MaskFrameNumbers = [frame + 1 for frame in item.mask_frames]
    if item.operation in (MaskOperation.TID, MaskOperation.REV_TID):
        dataset.TIDOffset = item.tid_offset
    if item.contrast_frames > 1:
        dataset.ContrastFrameAveraging = item.contrast_frames
    if any(item.shift_px):
        down, right = item.shift_px
        dataset.MaskSubPixelShift = [down, -right]  # see masks.py
    return dataset
