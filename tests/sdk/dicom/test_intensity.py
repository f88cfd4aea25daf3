"""What stored values mean is said once for a run."""

import pytest
from xa_files import described, edited, item, xa_file

from sdk.dicom import read_xa
from sdk.errors import DicomError
from sdk.frame import Intensity


def test_frames_that_say_the_same_are_read(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        said = {"PixelIntensityRelationship": "LOG", "PixelIntensityRelationshipSign": -1}
        described(dataset, *(item(**said) for _ in range(4)))
    run = read_xa(path)
    assert (run.intensity, run.intensity_sign, run.inverted) == (Intensity.LOG, -1, True)


def test_a_run_that_changes_its_meaning_is_refused(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        relations = ("LIN", "LIN", "LOG", "LOG")
        described(dataset, *(item(PixelIntensityRelationship=one) for one in relations))
    with pytest.raises(DicomError, match=r"Pixel Intensity Relationship .* changes inside the run"):
        read_xa(path)
