"""The capillary blush and the veins of a phantom run."""

import numpy as np
import pytest

from training.phantoms.bolus import Bolus
from training.phantoms.projection import VesselLayer, project
from training.phantoms.run import RunOptions, phantom_run
from training.phantoms.venous import VenousReturn, venous_return
from training.phantoms.vessel_tree import cerebral_tree

SIZE = 256
BOLUS = Bolus(start_ms=0.0, transit_ms=1000.0, rise_ms=100.0, plateau_ms=500.0, washout_ms=300.0)


@pytest.fixture(scope="module")
def arteries() -> VesselLayer:
    return project(cerebral_tree(np.random.default_rng(3), SIZE, 1.0), SIZE)


@pytest.fixture(scope="module")
def behind(arteries: VesselLayer) -> VenousReturn:
    return venous_return(np.random.default_rng(4), arteries, BOLUS, 400.0)


def test_nothing_is_there_before_the_contrast_is_through_the_arteries(
    behind: VenousReturn,
) -> None:
    assert behind.thickness(1000.0).max() < 0.1
    assert behind.thickness(2400.0).max() > 1.0


def test_veins_fill_from_their_tips(behind: VenousReturn) -> None:
    thick = behind.veins.thickness > np.percentile(behind.veins.thickness, 99)
    thin = (behind.veins.thickness > 0.5) & ~thick
    assert behind.veins.arrival[thin].mean() < behind.veins.arrival[thick].mean()


def test_the_blush_lies_around_the_arteries(arteries: VesselLayer, behind: VenousReturn) -> None:
    inside = arteries.truth > 0
    assert behind.blush[inside].mean() > 1.5 * behind.blush[~inside].mean()
    assert behind.blush.max() <= 0.21 * arteries.thickness.max()


def test_a_run_with_veins_has_the_arteries_of_the_run_without() -> None:
    plain = phantom_run(5, 8, SIZE, RunOptions(cerebral=True, defects=()))
    veins = phantom_run(5, 8, SIZE, RunOptions(cerebral=True, defects=(), venous_delay_share=0.0))
    assert np.array_equal(plain.vessels, veins.vessels)
    assert np.array_equal(plain.pixels[:3], veins.pixels[:3])
    assert not np.array_equal(plain.pixels[-1], veins.pixels[-1])
