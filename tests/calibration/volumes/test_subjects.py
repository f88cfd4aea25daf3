"""Subjects come from cohorts on disk or are drawn; what is no subject is refused in a sentence."""

import numpy as np
import pytest
from cohorts import LESIONS, write_cohort

from calibration.errors import CalibrationError
from calibration.volumes import subjects as module
from calibration.volumes.subjects import check_positives, open_subjects, sha256_of_case


def test_a_cohort_gives_its_subjects_and_their_bleeds(cohort, tmp_path):
    found = open_subjects([tmp_path / "cohort"])
    assert [subject.name for subject in found] == list(LESIONS)
    case = found[0].read()
    np.testing.assert_allclose(case.lesions[:, :3], LESIONS["ann"], atol=1e-4)


def test_without_a_table_nobody_knows_the_bleeds(tmp_path):
    write_cohort(tmp_path / "cohort", ["ann"], lesions=False)
    (subject,) = open_subjects([tmp_path / "cohort"])
    assert not subject.known
    assert subject.read().lesions is None


def test_phantoms_are_drawn_with_their_bleeds_and_never_twice(monkeypatch):
    monkeypatch.setattr(module, "PHANTOM_SHAPE", (4, 16, 16))
    first, second = open_subjects(["phantoms:1"]), open_subjects(["phantoms:1"], len("x"))
    assert first[0].name != second[0].name
    assert len({one.name for one in open_subjects(["phantoms:2", "phantoms:2"])}) == 4
    case = first[0].read()
    assert case.volume.shape == (4, 16, 16)
    assert len(case.lesions) >= 1
    assert sha256_of_case(case) == sha256_of_case(first[0].read())


@pytest.mark.parametrize("count", ["0", "many", "-1", ""])
def test_no_number_of_phantoms_is_refused(count):
    with pytest.raises(CalibrationError, match="is no number of phantoms"):
        open_subjects([f"phantoms:{count}"])


def test_a_damaged_image_is_refused_by_the_name_of_its_subject(tmp_path):
    write_cohort(tmp_path / "cohort", ["ann"])
    (tmp_path / "cohort" / "ann_swi.nii.gz").write_bytes(b"no image")
    with pytest.raises(CalibrationError, match="ann cannot be read"):
        open_subjects([tmp_path / "cohort"])[0].read()


def test_what_counts_as_a_bleed_is_said():
    known = module.Subject(name="a", known=True, read=lambda: None)
    unknown = module.Subject(name="b", known=False, read=lambda: None)
    assert check_positives([known], 3, 0.4) == "the bleeds of lesions.csv"
    assert check_positives([known, unknown], 3, 0.4) == "what FP32 finds above 0.4"
    with pytest.raises(CalibrationError, match="there is no bleed in 2 subjects"):
        check_positives([known, unknown], 0, 0.4)
