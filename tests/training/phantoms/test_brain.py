"""Phantom brains are reproducible, labelled, and physically told apart."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from training.phantoms.brain import BrainOptions, BrainPhantom, head_grid
from training.phantoms.brain_findings import Deposit, Sites, blooming
from training.phantoms.head_anatomy import DEEP, INFRATENTORIAL, LOBAR, ParametricAnatomy
from training.phantoms.head_grid import HeadGrid
from training.phantoms.susceptibility import Acquisition

WHITE_MATTER = (34.0, 20.0, 30.0)


@pytest.fixture(scope="module")
def subject() -> BrainPhantom:
    return BrainPhantom.drawn(3, BrainOptions(microbleeds=(6, 12)))


def with_one(subject: BrainPhantom, strength_ppm: float, diameter_mm: float = 5.0) -> BrainPhantom:
    """The subject with a single deposit in its white matter and no vessel."""
    radius = diameter_mm / 2 / blooming(strength_ppm, Acquisition())
    deposit = Deposit(centre_mm=WHITE_MATTER, radius_mm=radius, susceptibility_ppm=strength_ppm)
    bleeds, calcium = ((deposit,), ()) if strength_ppm > 0 else ((), (deposit,))
    return replace(subject, microbleeds=bleeds, calcifications=calcium, vessels=())


def seen(subject: BrainPhantom) -> tuple[np.ndarray, np.ndarray]:
    grid = HeadGrid.around(WHITE_MATTER, (2.0, 0.5, 0.5), (7, 33, 33))
    image = subject.image(grid)
    return image.swi, image.phase


def test_a_seed_is_a_brain(subject: BrainPhantom) -> None:
    grid = HeadGrid.around((10.0, 0.0, 30.0), (2.0, 1.0, 1.0), (3, 24, 24))
    same = BrainPhantom.drawn(3, BrainOptions(microbleeds=(6, 12))).image(grid)
    np.testing.assert_array_equal(subject.image(grid).swi, same.swi)
    assert not np.array_equal(subject.image(grid, noise_seed=1).swi, same.swi)
    assert not np.array_equal(BrainPhantom.drawn(4).image(grid).swi, same.swi)


def test_bleeds_lie_in_the_parenchyma_and_have_the_size_of_microbleeds(
    subject: BrainPhantom,
) -> None:
    assert len(subject.microbleeds) >= 6
    for bleed in subject.microbleeds:
        region = subject.anatomy.on(HeadGrid.around(bleed.centre_mm, (1, 1, 1), (1, 1, 1))).regions
        assert region.item() in {LOBAR, DEEP, INFRATENTORIAL}
        assert 2.0 <= bleed.diameter_mm(Acquisition()) <= 10.0
        assert bleed.susceptibility_ppm > 0


def test_iron_and_calcium_have_opposite_phase_and_are_both_dark(subject: BrainPhantom) -> None:
    swi, iron = seen(with_one(subject, 1.0))
    dark, calcium = seen(with_one(subject, -1.0))
    above = np.s_[4:6, 15:18, 15:18]
    assert iron[above].mean() > 0.1
    assert calcium[above].mean() < -0.1
    for image in (swi, dark):
        assert image[3, 16, 16] < 0.5 * np.median(image)


def test_a_bleed_looks_about_as_large_as_its_truth_says(subject: BrainPhantom) -> None:
    for diameter_mm in (4.0, 7.0):
        swi, _ = seen(with_one(subject, 1.5, diameter_mm))
        dark = swi[3] < 0.6 * np.median(swi)
        across_mm = 0.5 * 2 * np.sqrt(dark[8:-8, 8:-8].sum() / np.pi)
        assert across_mm == pytest.approx(diameter_mm, rel=0.4)


def test_the_truth_names_the_voxel_of_the_bleed(subject: BrainPhantom) -> None:
    bleed = subject.microbleeds[0]
    grid = HeadGrid.around(bleed.centre_mm, (2.0, 1.0, 1.0), (3, 16, 16))
    rows = subject.image(grid).microbleeds
    assert any(np.allclose(row[:3], [1.0, 7.5, 7.5]) for row in rows)


def test_two_windows_see_the_same_brain(subject: BrainPhantom) -> None:
    quiet = replace(subject, options=BrainOptions(acquisition=Acquisition(noise=0.0)))
    grid = HeadGrid.around((30.0, 0.0, 25.0), (2.0, 0.5, 0.5), (3, 24, 24))
    small, large = quiet.image(grid), quiet.image(grid.grown((1, 8, 8)))
    inner = np.s_[1:-1, 8:-8, 8:-8]
    np.testing.assert_array_equal(small.regions, large.regions[inner])
    assert np.corrcoef(small.swi.ravel(), large.swi[inner].ravel())[0, 1] > 0.95


def test_vessels_are_long() -> None:
    vessels = BrainPhantom.drawn(5).vessels
    lengths = [0.4 * len(vessel.points_mm) for vessel in vessels]
    assert len(vessels) > 150
    assert np.median(lengths) > 10 * np.median([vessel.radius_mm for vessel in vessels])


def test_the_three_regions_are_where_they_belong() -> None:
    sites = Sites.of(ParametricAnatomy.drawn(np.random.default_rng(0)))
    middle = {
        region: np.mean(sites.grid.to_mm(np.argwhere(sites.maps.regions == region)), axis=0)
        for region in (LOBAR, DEEP, INFRATENTORIAL)
    }
    share = [(sites.maps.regions == region).sum() for region in (LOBAR, DEEP, INFRATENTORIAL)]
    assert share[0] > share[1] > 0 < share[2]
    assert middle[INFRATENTORIAL][0] < middle[DEEP][0] - 20
    assert abs(middle[DEEP][2]) < 3


def test_a_whole_head_fits_its_grid() -> None:
    grid = head_grid((8.0, 8.0, 8.0))
    brain = ParametricAnatomy.drawn(np.random.default_rng(2)).on(grid).brain
    assert 0.2 < brain.mean() < 0.6
    assert not brain[:, 0].any()
    assert not brain[:, :, 0].any()


def test_needs_no_torch() -> None:
    code = "import sys, training.phantoms.brain; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
