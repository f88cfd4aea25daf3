"""Masks as a DICOM Segmentation that points back at the frames they were found on."""

from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage, generate_uid

from sdk.dicom import codes
from sdk.dicom.derived import add_series, check_identity, check_text, of_the_source
from sdk.dicom.header import foreign_errors, read_header
from sdk.errors import DicomError
from sdk.files import write_whole
from sdk.frame import whole_number

LOSSY = {f"1.2.840.10008.1.2.4.{kind}" for kind in (50, 51, 81, 91, 203)}
"""Transfer syntaxes that may have lost something."""
OF_LOSSY_PIXELS = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)


class Anatomy(Enum):
    """What a mask shows (DICOM PS3.16, CID 7166 and 7197)."""

    ARTERY = codes.ARTERY
    BLOOD_VESSEL = codes.BLOOD_VESSEL


@dataclass(frozen=True, kw_only=True)
class SegmentationInfo:
    """What a segmentation says about itself."""

    anatomy: Anatomy
    """What the masks show."""
    algorithm: str
    """What found it, such as the task."""
    algorithm_version: str
    """Which one: a release, or the hash of the model."""
    parameters: str = ""
    """How it ran: precision, backend."""
    warning: str = ""
    """What a person should know, such as that it is not for clinical use; its first 1024 characters
    are written, in ASCII."""

    def __post_init__(self) -> None:
        """Checks that the texts fit their elements in any character set.

        Raises:
            DicomError: one does not.
        """
        check_text("algorithm", self.algorithm, 1, 64)
        check_text("algorithm_version", self.algorithm_version, 1, 64)
        check_text("parameters", self.parameters, 0, 1024)


class DicomSegmentation:
    """Masks of one run, as a binary Segmentation object (DICOM PS3.3 A.51).

    X-ray projections have no frame of reference: every mask names the frame it was found on
    (Derivation Image functional group), and has its rows and columns. Masks that are empty are
    written too: they say that nothing was found. A frame that is missing had no answer.
    """

    def __init__(self, source: str | Path, info: SegmentationInfo) -> None:
        """Reads what is taken over from the run.

        Args:
            source: the XA or RF file.
            info: what to say about the masks.

        Raises:
            DicomError: the file is damaged, or does not say which study and object it is.
        """
        self._source, self._info = read_header(Path(source)), info
        check_identity(self._source)
        self._size = self._source.integer("Rows"), self._source.integer("Columns")
        self._frames = self._source.integer("NumberOfFrames", 1)
        self._indices: list[int] = []
        self._packed, self._rest = bytearray(), np.empty(0, np.bool_)

    def __len__(self) -> int:
        """Masks that were added."""
        return len(self._indices)

    def add(self, index: int, mask: ArrayLike) -> None:
        """Adds the mask of a frame.

        Args:
            index: of the frame in its file, from 0; later than those added before.
            mask: (rows, columns) of the source frame, bool or uint8, not 0 where something is.

        Raises:
            DicomError: the mask is of another size or dtype, or the frame none of the file, or out
                of order.
        """
        pixels, place = np.asarray(mask), whole_number(index)
        if pixels.shape != self._size or pixels.dtype.name not in ("bool", "uint8"):
            raise DicomError(
                f"expected a bool or uint8 mask of {self._size} pixels, got {pixels.dtype} "
                f"{pixels.shape}"
            )
        first = self._indices[-1] + 1 if self._indices else 0
        if place is None or not first <= place < self._frames:
            raise DicomError(
                f"expected one of the frames {first}..{self._frames - 1} of {self._source.path}, "
                f"in order, got {index!r}"
            )
        self._indices.append(place)
        self._pack((pixels != 0).ravel())

    def write(self, path: str | Path) -> None:
        """Writes the file; what exists is replaced.

        Raises:
            DicomError: there is no mask, or the file cannot be written.
        """
        if not self._indices:
            raise DicomError(f"there is no mask of {self._source.path} to write")
        with foreign_errors(str(path), "the segmentation could not be written"):
            dataset = self._of_the_source()
            self._add_series(dataset)
            self._add_image(dataset)
            self._add_segment(dataset)
            self._add_frames(dataset)
            content = BytesIO()
            dataset.save_as(content, enforce_file_format=True)
            write_whole(Path(path), content.getvalue())

    def _pack(self, bits: NDArray[np.bool_]) -> None:
        """Frames follow each other bit by bit, the first in the lowest (PS3.5, 8.1.1)."""
        bits = np.concatenate([self._rest, bits])
        whole = len(bits) // 8 * 8
        self._packed += np.packbits(bits[:whole], bitorder="little").tobytes()
        self._rest = bits[whole:]

    def _of_the_source(self) -> Dataset:
        dataset, header = of_the_source(self._source), self._source.dataset
        for keyword in OF_LOSSY_PIXELS:
            if header.get(keyword) not in (None, ""):
                dataset[keyword] = header[keyword]
        if "LossyImageCompression" not in dataset:
            dataset.LossyImageCompression = "01" if self._source.syntax in LOSSY else "00"
        return dataset

    def _add_series(self, dataset: Dataset) -> None:
        description = f"{self._info.anatomy.value[2]} segmentation"
        add_series(dataset, self._source, "SEG", description)
        dataset.SOPClassUID = SegmentationStorage
        dataset.ContentLabel = "SEGMENTATION"
        dataset.ContentDescription = f"found by {self._info.algorithm}"[:64]
        dataset.ContentCreatorName = ""
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian

    def _add_image(self, dataset: Dataset) -> None:
        dataset.ImageType, dataset.PatientOrientation = ["DERIVED", "PRIMARY"], ""
        dataset.Rows, dataset.Columns = self._size
        dataset.NumberOfFrames = len(self._indices)
        dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 1
        dataset.HighBit = 0
        dataset.SegmentationType = "BINARY"
        data = bytes(self._packed) + np.packbits(self._rest, bitorder="little").tobytes()
        dataset.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))

    def _add_segment(self, dataset: Dataset) -> None:
        info, segment, algorithm = self._info, Dataset(), Dataset()
        algorithm.AlgorithmFamilyCodeSequence = [_coded(codes.ARTIFICIAL_INTELLIGENCE)]
        algorithm.AlgorithmName = info.algorithm
        algorithm.AlgorithmVersion = info.algorithm_version
        if info.parameters:
            algorithm.AlgorithmParameters = info.parameters
        segment.SegmentNumber, segment.SegmentLabel = 1, info.anatomy.value[2]
        segment.SegmentedPropertyCategoryCodeSequence = [_coded(codes.ANATOMICAL_STRUCTURE)]
        segment.SegmentedPropertyTypeCodeSequence = [_coded(info.anatomy.value)]
        if info.warning:
            segment.SegmentDescription = info.warning.encode("ascii", "replace").decode()[:1024]
        segment.SegmentAlgorithmType = "AUTOMATIC"
        segment.SegmentAlgorithmName = info.algorithm
        segment.SegmentationAlgorithmIdentificationSequence = [algorithm]
        dataset.SegmentSequence = [segment]

    def _add_frames(self, dataset: Dataset) -> None:
        organization = Dataset()
        organization.DimensionOrganizationUID = generate_uid()
        dataset.DimensionOrganizationSequence = [organization]
        dataset.DimensionIndexSequence = [
            _dimension(organization, "ReferencedSegmentNumber", "SegmentIdentificationSequence"),
            _dimension(organization, "TemporalPositionIndex", "FrameContentSequence"),
        ]
        identification = _item(ReferencedSegmentNumber=1)
        dataset.SharedFunctionalGroupsSequence = [
            _item(SegmentIdentificationSequence=[identification])
        ]
        dataset.PerFrameFunctionalGroupsSequence = [
            self._of_frame(position, index) for position, index in enumerate(self._indices, 1)
        ]
        instance = self._reference()
        series = _item(SeriesInstanceUID=self._source.text("SeriesInstanceUID"))
        series.ReferencedInstanceSequence = [instance]
        dataset.ReferencedSeriesSequence = [series]

    def _of_frame(self, position: int, index: int) -> Dataset:
        content = _item(DimensionIndexValues=[1, position], TemporalPositionIndex=position)
        image = self._reference()
        if self._frames > 1:
            image.ReferencedFrameNumber = index + 1
        image.SpatialLocationsPreserved = "YES"
        image.PurposeOfReferenceCodeSequence = [_coded(codes.SOURCE_IMAGE)]
        derivation = _item(SourceImageSequence=[image])
        derivation.DerivationCodeSequence = [_coded(codes.SEGMENTATION)]
        return _item(FrameContentSequence=[content], DerivationImageSequence=[derivation])

    def _reference(self) -> Dataset:
        return _item(
            ReferencedSOPClassUID=self._source.text("SOPClassUID"),
            ReferencedSOPInstanceUID=self._source.text("SOPInstanceUID"),
        )


def _item(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _coded(code: codes.Code) -> Dataset:
    value, scheme, meaning = code
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _dimension(organization: Dataset, keyword: str, group: str) -> Dataset:
    return _item(
        DimensionOrganizationUID=organization.DimensionOrganizationUID,
        DimensionIndexPointer=tag_for_keyword(keyword),
        FunctionalGroupPointer=tag_for_keyword(group),
        DimensionDescriptionLabel=keyword,
    )
