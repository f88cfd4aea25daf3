"""Memory beside the volume is a mask and one tile, however fine its slices are."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of

SHAPE = (20, 96, 80)
VOXELS = int(np.prod(SHAPE))
TILE_BYTES = 2 * 4 * volume_folders.TILE**3


def replayed(path, slices):
    """A session whose networks find nothing at no cost: what is counted is what we allocate."""
    options = volume_folders.OPTIONS | {"slices": slices, "halo": 2}
    folder = volume_folders.microbleed_folder(path, options=options)
    backends = {}
    for part in parts_of(folder):
        contract = contract_of(part)
        nothing = {spec.name: np.full(spec.shape, -9, np.float32) for spec in contract.outputs}
        backends[part_name(part)] = sdk.ReplayBackend(contract.inputs, [nothing])
    return sdk.VolumeSession(folder.path, backend=backends)


def head(*, with_brain):
    swi = np.zeros(SHAPE, np.float32)
    swi[2:-2, 8:-8, 8:-8] = np.random.default_rng(0).normal(100, 3, (16, 80, 64))
    volume = sdk.Volume.of_spacing(swi, (2.0, 0.5, 0.5), phase=np.zeros(SHAPE, np.float32))
    return replace(volume, brain=(swi > 0).astype(np.uint8)) if with_brain else volume


def peak_bytes(session, volume, options=None):
    session(volume, options)  # what is made once is there
    tracemalloc.start()
    try:
        outcome = session(volume, options)
        return tracemalloc.get_traced_memory()[1], outcome
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("with_brain", [True, False])
def test_the_peak_is_a_byte_per_voxel_and_a_little(tmp_path, with_brain):
    with replayed(tmp_path, 24) as session:
        peak, outcome = peak_bytes(session, head(with_brain=with_brain))
    assert outcome.status is sdk.Status.DELIVERED
    assert VOXELS <= peak < VOXELS + TILE_BYTES


def test_finer_slices_take_no_more(tmp_path):
    peaks = []
    for slices in (24, 96):
        with replayed(tmp_path / str(slices), slices) as session:
            peaks.append(peak_bytes(session, head(with_brain=True))[0])
    assert peaks[1] < 1.1 * peaks[0]


def test_a_label_volume_takes_a_byte_per_voxel_more(tmp_path):
    with replayed(tmp_path, 24) as session:
        volume = head(with_brain=True)
        lazy, _ = peak_bytes(session, volume)
        whole, _ = peak_bytes(session, volume, sdk.VolumeOptions(whole_regions=True))
    assert lazy < whole < 2 * VOXELS + TILE_BYTES
