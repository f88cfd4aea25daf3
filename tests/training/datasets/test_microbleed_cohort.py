"""Tables of real subjects are read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.datasets.microbleed_cohort import read_cohort

nibabel = pytest.importorskip("nibabel")

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = "subject,swi,phase\nann,ann_swi.nii,ann_phase.nii\nbob,bob_swi.nii,bob_phase.nii\n"
LESIONS = "subject,x_mm,y_mm,z_mm,diameter_mm,certain\nann,-1.0,-2.0,4.0,3.5,1\nann,-2,-1,2,5,0\n"


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    for name in ("ann", "bob"):
        for kind in ("swi", "phase"):
            image = nibabel.Nifti1Image(np.ones((6, 5, 4), np.float32), np.diag([0.5, 0.5, 2, 1]))
            nibabel.save(image, tmp_path / f"{name}_{kind}.nii")
    (tmp_path / "subjects.csv").write_text(SUBJECTS)
    (tmp_path / "lesions.csv").write_text(LESIONS)
    return tmp_path


def test_lesions_come_in_voxels_of_the_volume(cohort: Path) -> None:
    ann, bob = read_cohort(cohort)
    assert (ann.name, len(bob.lesions_mm)) == ("ann", 0)
    assert ann.certain.tolist() == [True, False]
    volume, lesions = ann.read()
    np.testing.assert_allclose(volume.to_patient_mm(lesions[:, :3]), ann.lesions_mm[:, :3])
    np.testing.assert_allclose(lesions[0], [2.0, 0.0, 3.0, 3.5], atol=1e-6)


def test_a_lesion_outside_the_volume_is_refused(cohort: Path) -> None:
    (cohort / "lesions.csv").write_text(LESIONS.replace("-1.0,-2.0,4.0", "1.0,2.0,40.0"))
    with pytest.raises(ValueError, match="patient coordinates"):
        read_cohort(cohort)[0].read()


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("lesions.csv", ("certain", "sure"), "line 1: the columns certain are missing"),
        ("lesions.csv", ("3.5", "big"), "line 2: diameter_mm must be a number, got 'big'"),
        ("lesions.csv", ("3.5", "350"), "line 2: diameter_mm must be 0.5 to 30, got 350"),
        ("lesions.csv", ("5,0", "5,2"), "line 3: certain must be 1 or 0"),
        ("lesions.csv", ("ann,-2", "eve,-2"), "line 3: 'eve' is not in subjects.csv"),
        ("lesions.csv", ("-2,-1,2,5,0", "-2,-1"), "line 3: it has more or fewer fields"),
        ("subjects.csv", ("bob,", "ann,"), "line 2: subject 'ann' is there twice"),
        ("subjects.csv", ("bob_phase", "bob_ph"), "line 3: there is no phase 'bob_ph.nii'"),
    ],
)
def test_a_fault_is_named_with_its_line(
    cohort: Path, table: str, change: tuple[str, str], message: str
) -> None:
    path = cohort / table
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ValueError, match=r"correct the table") as caught:
        read_cohort(cohort)
    assert message in str(caught.value)


def test_a_missing_table_is_named(cohort: Path) -> None:
    (cohort / "lesions.csv").unlink()
    with pytest.raises(ValueError, match=r"lesions\.csv with the columns subject, x_mm"):
        read_cohort(cohort)
