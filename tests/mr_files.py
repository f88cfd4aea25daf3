"""DICOM MR series for the tests, one file per slice or one of frames."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)
from xa_files import item

VOXELS = np.random.default_rng(0).integers(0, 4000, (5, 6, 7)).astype(np.uint16)
STEP_MM, PIXEL_MM = 2.0, (0.5, 0.7)


def slice_of(pixels, index, **changes) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, generate_uid()
    image.StudyInstanceUID, image.FrameOfReferenceUID = "1.2.1", "1.2.2"
    image.SeriesInstanceUID, image.Modality = "1.2.3", "MR"
    image.Manufacturer, image.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "SWI"]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.ImagePositionPatient = [-10, -20, 30 + STEP_MM * index]
    image.PixelSpacing = list(PIXEL_MM)
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    for name, value in changes.items():
        setattr(image, name, value)
    image.PixelData = pixels.tobytes()
    return image


def written(folder, voxels=VOXELS, order=None, **changes):
    folder.mkdir(exist_ok=True)
    for index in range(len(voxels)):
        place = (order or range(len(voxels)))[index]
        image = slice_of(voxels[place], place, **changes)
        image.save_as(folder / f"{index}.dcm", enforce_file_format=True)
    return folder


def enhanced(path, order=(3, 0, 4, 1, 2), slope=1, kind="M", **changes):
    """One file whose frames lie in `order`; `slope` and `kind` are of all frames or one each."""
    image = slice_of(VOXELS[0], 0, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(order))
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
        del image[keyword]
    plane = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    pixel = item(PixelSpacing=list(PIXEL_MM))
    image.SharedFunctionalGroupsSequence = [
        item(PlaneOrientationSequence=[plane], PixelMeasuresSequence=[pixel])
    ]
    slopes = np.broadcast_to(slope, len(order)).tolist()
    image.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[-10, -20, 30 + STEP_MM * index])],
            MRImageFrameTypeSequence=[
                item(FrameType=["ORIGINAL", "PRIMARY", kind[at % len(kind)]])
            ],
            PixelValueTransformationSequence=[item(RescaleSlope=slopes[at], RescaleIntercept=-5)],
        )
        for at, index in enumerate(order)
    ]
    image.PixelData = VOXELS[list(order)].tobytes()
    for name, value in changes.items():
        setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)
    return path
