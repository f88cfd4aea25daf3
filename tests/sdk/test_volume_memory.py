"""Memory beside the volume is a mask and one tile, however fine its slices are."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of

SHAPE = (40, 160, 144)
VOXELS = int(np.prod(SHAPE))


def replayed(path, slices):
    """A session whose networks are recorded: what is counted is what we allocate."""
    options = volume_folders.OPTIONS | {"slices": slices}
    folder = volume_folders.microbleed_folder(path, options=options)
    backends = {
        part_name(part): sdk.ReplayBackend(contract_of(part).inputs, [part.golden()[0][1]])
        for part in parts_of(folder)
    }
    return sdk.VolumeSession(folder.path, backend=backends)


def head(*, with_brain):
    swi = np.zeros(SHAPE, np.float32)
    swi[4:-4, 16:-16, 16:-16] = np.random.default_rng(0).normal(100, 3, (32, 128, 112))
    volume = sdk.Volume.of_spacing(swi, (2.0, 1.0, 1.0), phase=np.zeros(SHAPE, np.float32))
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
    with replayed(tmp_path, 47) as session:
        peak, outcome = peak_bytes(session, head(with_brain=with_brain))
    assert outcome.status is sdk.Status.DELIVERED
    assert VOXELS <= peak < 1.6 * VOXELS


def test_finer_slices_take_no_more(tmp_path):
    peaks = []
    for slices in (47, 191):
        with replayed(tmp_path / str(slices), slices) as session:
            peaks.append(peak_bytes(session, head(with_brain=True))[0])
    assert peaks[1] < 1.1 * peaks[0]


def test_a_label_volume_takes_a_byte_per_voxel_more(tmp_path):
    with replayed(tmp_path, 47) as session:
        volume = head(with_brain=True)
        lazy, _ = peak_bytes(session, volume)
        whole, _ = peak_bytes(session, volume, sdk.VolumeOptions(whole_regions=True))
    assert VOXELS <= whole - lazy + VOXELS * 0.5 < 2.2 * VOXELS
