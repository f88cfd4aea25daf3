"""A template and its atlas become tissues and regions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.phantoms.head_anatomy import CSF, DEEP, INFRATENTORIAL, LOBAR, WHITE
from training.phantoms.head_grid import HeadGrid
from training.phantoms.head_template import TemplateAnatomy, _labels

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("nibabel")


@pytest.fixture
def mni(shared_data: Callable[[str], Path]) -> TemplateAnatomy:
    return TemplateAnatomy.read(
        shared_data("brain/mni_icbm152_t1_sym_09a_1mm.nii.gz"),
        shared_data("brain/MARS_scale_parcellation_map_mni.nii.gz"),
    )


def at(anatomy: TemplateAnatomy, place_mm: tuple[float, float, float]) -> tuple[int, int]:
    maps = anatomy.on(HeadGrid.around(place_mm, (1.0, 1.0, 1.0), (1, 1, 1)))
    return int(maps.tissues.item()), int(maps.regions.item())


def test_known_places_have_their_region(mni: TemplateAnatomy) -> None:
    assert at(mni, (-45.0, 45.0, 20.0))[1] == INFRATENTORIAL  # cerebellum
    assert at(mni, (-5.0, 0.0, 12.0))[1] == DEEP  # thalamus
    assert at(mni, (25.0, -40.0, 35.0))[1] == LOBAR  # frontal
    assert at(mni, (2.0, 0.0, -200.0)) == (0, 0)


def test_ventricles_are_fluid_and_tracts_are_white(mni: TemplateAnatomy) -> None:
    grid = HeadGrid.around((10.0, 0.0, 0.0), (4.0, 4.0, 4.0), (20, 40, 40))
    maps = mni.on(grid)
    assert {CSF, WHITE} <= set(np.unique(maps.tissues).tolist())
    assert not maps.regions[maps.tissues == CSF].any()


def test_squares_of_labels_are_understood_and_others_refused() -> None:
    squares = np.arange(14, dtype=np.float32).reshape(1, 2, 7) ** 2
    np.testing.assert_array_equal(_labels(squares, Path("a.nii")).ravel(), np.arange(14))
    with pytest.raises(ValueError, match=r"a\.nii, got values from 0 to 200"):
        _labels(np.array([0.0, 200.0], np.float32), Path("a.nii"))
