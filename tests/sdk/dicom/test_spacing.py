"""A pixel spacing says where it holds."""

import pytest
from xa_files import described, edited, item, xa_file

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
            {
                "ImagerPixelSpacing": ["0.308", "0.308"],
                "PixelSpacing": ["0.30799999", "0.30799999"],
                "EstimatedRadiographicMagnificationFactor": 1.1,
            },
            (0.28, 0.28),
            SpacingOrigin.MAGNIFICATION,
        ),
        (
            {
                "ImagerPixelSpacing": [0.3, 0.3],
                "ObjectPixelSpacingInCenterOfBeam": [0.25, 0.25],
                "DistanceSourceToIsocenter": 800,
                "DistanceSourceToDetector": 1200,
            },
            (0.25, 0.25),
            SpacingOrigin.OBJECT,
        ),
        ({"PixelSpacing": [0.3, 0.3]}, (0.3, 0.3), SpacingOrigin.UNSAID),
        (
            {"PixelSpacing": [0.3, 0.3], "NominalScannedPixelSpacing": [0.3, 0.3]},
            (0.3, 0.3),
            SpacingOrigin.UNSAID,
        ),
        (
            {"PixelSpacing": [0.2, 0.2], "NominalScannedPixelSpacing": [0.3, 0.3]},
            (0.2, 0.2),
            SpacingOrigin.CALIBRATED,
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


@pytest.mark.parametrize(
    ("distances", "spacing"), [((1200,) * 4, (0.2, 0.2)), ((1200, 1200, 1000, 1000), None)]
)
def test_a_spacing_that_changes_inside_the_run_is_none(tmp_path, distances, spacing):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.ImagerPixelSpacing = [0.3, 0.3]
        dataset.DistanceSourceToPatient = 800
        described(dataset, *(item(DistanceSourceToDetector=one) for one in distances))
    run = read_xa(path)
    assert run.pixel_spacing_mm == (pytest.approx(spacing) if spacing else None)
    assert run.spacing_origin is (SpacingOrigin.DISTANCES if spacing else SpacingOrigin.UNKNOWN)


def test_only_spacings_of_the_patient_measure_the_patient():
    elsewhere = {SpacingOrigin.UNSAID, SpacingOrigin.DETECTOR, SpacingOrigin.UNKNOWN}
    assert {origin for origin in SpacingOrigin if not origin.holds_in_patient} == elsewhere
