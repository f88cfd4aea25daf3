"""A volume session on a CUDA device answers as the CPU does, and little moves for a tile."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from device_engines import DeviceEngine, HostEngine

import sdk
from sdk import kernels
from sdk.model_folder import Manifest, write_folder
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]

OPTIONS = {
    "tile": [16, 16, 16],
    "halo": 4,
    "slices": 19,
    "patch": [4, 8, 8],
    "anchors": [6.0, 9.0],
    "threshold": 0.5,
}
SHAPE, SPACING = (10, 26, 22), (2.0, 1.0, 1.0)
LESIONS = ((3, 8, 8), (7, 17, 13), (5, 16, 7))


def cells(channel):
    """Means over the cells of the detector's grid."""
    size = channel.shape[0] // 4
    return channel.reshape(size, 4, size, 4, size, 4).mean(axis=(1, 3, 5), dtype=np.float32)


def detector(inputs):
    """A cell with phase is a bleed; the brighter, the larger."""
    swi, phase = (cells(channel) for channel in inputs["tile"][0])
    logits = np.stack([60 * phase - 32, 50 * phase - 28])
    offsets = np.stack([swi - 0.5, phase - 0.5, swi * 0.1, phase * 0.2] * 2)
    return {"logits": logits[None], "offsets": offsets[None]}


def regions(inputs):
    """Right of the middle is lobar, left is deep, dark is none."""
    swi, _, _, _, x = inputs["patch"][0]
    return {"regions": np.stack([5 - 100 * swi, -x, x, swi - 10])[None]}


ARITHMETIC = {"detector": detector, "regions": regions}


def open_session(path, kind):
    """A session on stand-ins, and the stand-ins by name."""
    graphs = {f"{name}.fp32": f"{name}.fp32.onnx" for name in ARITHMETIC}
    folder = write_folder(
        path,
        Manifest(task="microbleed_detection", options=OPTIONS, graphs=graphs),
        dict.fromkeys(graphs.values(), b"a stand-in needs no graph"),
    )
    engines = {
        part_name(part): kind(contract_of(part), ARITHMETIC[part_name(part)])
        for part in parts_of(folder)
    }
    return sdk.VolumeSession(folder.path, backend=engines), engines


@pytest.fixture
def sessions(tmp_path):
    (cpu, _), (gpu, engines) = (
        open_session(tmp_path / kind.__name__, kind) for kind in (HostEngine, DeviceEngine)
    )
    with cpu, gpu:
        yield cpu, gpu, engines


def head(dtype=np.float32):
    random = np.random.default_rng(0)
    swi, phase = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    inside = np.s_[1:-1, 3:-3, 3:-3]
    swi[inside] = 100 + random.normal(0, 3, swi[inside].shape)
    phase[inside] = random.normal(0, 0.1, phase[inside].shape)
    for z, y, x in LESIONS:
        phase[z - 1 : z + 2, y - 3 : y + 4, x - 3 : x + 4] = 3.0
    volume = sdk.Volume.of_spacing(swi.astype(dtype), SPACING, phase=phase)
    return replace(volume, brain=(swi > 50).astype(np.uint8))


def turned(volume, axes=(2, 0, 1)):
    """The same head, in slices of another plane, the last axis mirrored."""

    def turn(array):
        return np.transpose(array, axes)[..., ::-1]

    mirror = np.diag([1.0, 1.0, -1.0, 1.0])
    mirror[2, 3] = volume.shape[axes[2]] - 1
    return sdk.Volume(
        voxels=turn(volume.voxels),
        phase=turn(volume.phase),
        brain=turn(volume.brain),
        to_patient=volume.to_patient @ np.eye(4)[:, [*axes, 3]] @ mirror,
    )


def assert_same(expected, got):
    """Everything that an answer says, without tolerance."""
    expected, got = expected.require(), got.require()
    assert expected.microbleeds
    assert got.microbleeds == expected.microbleeds
    assert got.dropped == expected.dropped
    assert (got.tiles, got.tiles_skipped) == (expected.tiles, expected.tiles_skipped)
    if expected.regions is not None:
        np.testing.assert_array_equal(got.regions, expected.regions)


VOLUMES = {
    "float32": head(),
    "uint16": head(np.uint16),
    "another plane": turned(head()),
}


@pytest.mark.parametrize("volume", VOLUMES.values(), ids=VOLUMES)
def test_answers_are_those_of_the_cpu_bit_for_bit(sessions, volume):
    cpu, gpu, _ = sessions
    assert gpu.backend == "stand-in-cuda"
    for whole in (False, True):
        options = sdk.VolumeOptions(whole_regions=whole)
        assert_same(cpu(volume, options), gpu(volume, options))


def test_slices_may_come_one_by_one(sessions):
    cpu, gpu, _ = sessions
    volume = head()
    guide = sdk.BrainGuide(window=(5.0, 120.0), brain=volume.brain)
    options = sdk.VolumeOptions(guide=guide)
    with gpu.receive(volume.shape, volume.to_patient, options) as incoming:
        for index in np.random.default_rng(1).permutation(volume.shape[0]).tolist():
            incoming.add(index, volume.voxels[index], volume.phase[index])
        assert_same(cpu(volume, options), incoming.outcome())


def moved_in_steps(session, engines, volume):
    """What each tile and patch moved, what the stand-ins copy left out; by stage."""
    seen = {"detect": [], "localise": []}
    last = [None, Counter()]

    def own():
        return Counter(kernels.device_traffic()) - sum(
            (engine.moved for engine in engines.values()), Counter()
        )

    def progress(stage, done, _):
        if done and last[0] == stage:
            seen[stage].append(own() - last[1])
        last[:] = stage, own()

    assert session(volume, sdk.VolumeOptions(progress=progress)).require().microbleeds
    return seen


def test_a_tile_goes_there_once_and_only_candidates_come_back(sessions):
    _, gpu, engines = sessions
    gpu(head())  # what is made once is there
    steps = moved_in_steps(gpu, engines, head())
    assert len(steps["detect"]) > 4
    for step in steps["detect"]:  # SWI, phase and brain; number, boxes and scores of candidates
        assert step == Counter(to_device=3, to_host=3, waits=2)
    assert steps["localise"]
    for step in steps["localise"]:  # labels
        assert step == Counter(to_device=3, to_host=1, waits=1)


def test_a_volume_that_is_refused_says_the_same(sessions):
    cpu, gpu, _ = sessions
    bare = replace(head(), phase=None)
    assert gpu(bare).status is sdk.Status.REJECTED
    assert gpu(bare).reason == cpu(bare).reason


@pytest.mark.parametrize("stage", ["read_tile", "read_patch"])
def test_what_the_device_reports_is_the_outcome_of_that_volume(sessions, monkeypatch, stage):
    _, gpu, _ = sessions

    def fail(*_):
        raise RuntimeError("waiting for the device failed: an illegal memory access")

    with monkeypatch.context() as broken:
        broken.setattr(gpu.task, stage, fail)
        outcome = gpu(head())
    assert outcome.status is sdk.Status.FAILED
    assert "the CUDA device failed" in outcome.reason
    assert gpu(head()).status is sdk.Status.DELIVERED


def test_golden_pairs_are_read_alike_where_they_were_computed(sessions):
    cpu, gpu, engines = sessions
    random = np.random.default_rng(0)
    for name, engine in engines.items():
        contract = gpu.task.networks[name]
        outputs = {s.name: random.normal(0, 2, s.shape).astype("f4") for s in contract.outputs}
        for key, values in outputs.items():
            kernels.fill(engine.outputs[key], values)
        expected = cpu.task.networks[name].read(outputs)
        np.testing.assert_array_equal(contract.read(engine.outputs), expected)
        np.testing.assert_array_equal(contract.read(outputs), expected)  # by turns, as qualify does
        np.testing.assert_array_equal(contract.read(engine.outputs), expected)
