"""Crops of real subjects show their bleeds where the tables say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.datasets.brain_pool import FINE_SPACING_MM, IGNORED, LESION
from training.datasets.cohort_pool import cohort_crops

nibabel = pytest.importorskip("nibabel")

if TYPE_CHECKING:
    from pathlib import Path

SHAPE, SPACING = (80, 72, 24), (0.5, 0.6, 2.0)
"""x, y, z, as NIfTI counts."""
BLEEDS = [(30, 28, 8, 1), (52, 44, 15, 1), (44, 30, 12, 0)]
"""x, y, z in voxels of the file, and whether they are certain."""


def write_subject(folder: Path, name: str, bleeds: list[tuple[int, int, int, int]]) -> list[str]:
    """A bright head with dark points; rows of its lesions in DICOM patient coordinates."""
    axes = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    apart = [(a - (n - 1) / 2) / (0.45 * n) for a, n in zip(axes, SHAPE, strict=True)]
    head = (np.square(apart).sum(0) < 1).astype(np.float32)
    swi = head * (200 + np.random.default_rng(0).normal(0, 2, SHAPE)).astype(np.float32)
    rows = []
    for x, y, z, certain in bleeds:
        swi[x - 1 : x + 2, y - 1 : y + 2, z] = 20
        mm = [float(v * d) for v, d in zip((x, y, z), SPACING, strict=True)]
        rows.append(f"{name},{-mm[0]},{-mm[1]},{mm[2]},3.0,{certain}")  # NIfTI: to the right, front
    affine = np.diag([*SPACING, 1.0])
    for kind, image in (("swi", swi), ("phase", np.zeros(SHAPE, np.float32) + head * 0.1)):
        nibabel.save(nibabel.Nifti1Image(image, affine), folder / f"{name}_{kind}.nii")
    return rows


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    rows = [
        *write_subject(tmp_path, "ann", BLEEDS),
        *write_subject(tmp_path, "bob", []),
    ]
    subjects = [f"{n},{n}_swi.nii,{n}_phase.nii" for n in ("ann", "bob")]
    (tmp_path / "subjects.csv").write_text("\n".join(["subject,swi,phase", *subjects]) + "\n")
    head = "subject,x_mm,y_mm,z_mm,diameter_mm,certain"
    (tmp_path / "lesions.csv").write_text("\n".join([head, *rows]) + "\n")
    return tmp_path


def test_even_seeds_show_a_bleed_where_it_is(cohort: Path) -> None:
    pool = cohort_crops(cohort, range(100, 108), 32)
    assert len(pool) == 8
    for index in range(0, 8, 2):
        lesions, kinds = pool.lesions[index], pool.kinds[index]
        assert (kinds == LESION).any()
        for z, y, x, diameter in lesions[kinds == LESION]:
            swi = pool.images[index, 0]
            assert swi[round(z), round(y), round(x)] < 0.5 * np.percentile(swi, 90)
            assert diameter == pytest.approx(3.0 / 0.6)


def test_voxels_have_the_size_of_their_subject(cohort: Path) -> None:
    pool = cohort_crops(cohort, range(2), 32)
    z, y, x = pool.spacing_of(0)
    assert (y, x) == pytest.approx((0.6, 0.5))
    assert z == pytest.approx(FINE_SPACING_MM[0], rel=0.01)  # as on the device


def test_what_is_uncertain_is_ignored(cohort: Path) -> None:
    pool = cohort_crops(cohort, range(0, 40, 2), 32)
    certain = sum(entry[3] for entry in BLEEDS)
    assert max((kinds == LESION).sum() for kinds in pool.kinds) <= certain
    assert (pool.kinds == IGNORED).any()


def test_the_same_seeds_make_the_same_crops(cohort: Path) -> None:
    first, second = (cohort_crops(cohort, range(4), 32) for _ in range(2))
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.images[2:], cohort_crops(cohort, range(2, 4), 32).images)


def test_a_cohort_without_bleeds_teaches_nothing(cohort: Path) -> None:
    table = cohort / "lesions.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="at least one certain bleed"):
        cohort_crops(cohort, range(2), 32)
