"""A pixel spacing says where it holds."""

import pytest
from xa_files import edited, xa_file

from sdk.dicom import read_xa
from sdk.dicom.spacing import SpacingOrigin


@pytest.mark.parametrize(
    ("elements", "spacing", "origin"),
    [
        ({}, None, SpacingOrigin.UNKNOWN),
        ({"ImagerPixelSpacing": [0.3, 0.2]}, (0.3, 0.2), SpacingOrigin.DETECTOR),
        (
            {"ImagerPixelSpacing": [0.3, 0.3], "EstimatedRadiographicMagnificationFactor": 1.5},
            (0.2, 0.2),
            SpacingOrigin.MAGNIFICATION,
        ),
        (
            {
                "ImagerPixelSpacing": [0.3, 0.3],
                "DistanceSourceToPatient": 800,
                "DistanceSourceToDetector": 1200,
            },
            (0.2, 0.2),
            SpacingOrigin.DISTANCES,
        ),
        (
            {"ImagerPixelSpacing": [0.3, 0.3], "EstimatedRadiographicMagnificationFactor": 0.5},
            (0.3, 0.3),
            SpacingOrigin.DETECTOR,
        ),
        (
            {"ImagerPixelSpacing": [0.3, 0.3], "PixelSpacing": [0.21, 0.21]},
            (0.21, 0.21),
            SpacingOrigin.CALIBRATED,
        ),
        (
            {"ImagerPixelSpacing": [0.3, 0.3], "PixelSpacing": [0.3, 0.3]},
            (0.3, 0.3),
            SpacingOrigin.DETECTOR,
        ),
        (
            {"PixelSpacing": [0.3, 0.3], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.3, 0.3),
            SpacingOrigin.CALIBRATED,
        ),
    ],
)
def test_spacing_and_its_origin(tmp_path, elements, spacing, origin):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
    run = read_xa(path)
    assert run.pixel_spacing_mm == (pytest.approx(spacing) if spacing else None)
    assert run.spacing_origin is origin
    assert run[0].pixel_spacing_mm == run.pixel_spacing_mm
