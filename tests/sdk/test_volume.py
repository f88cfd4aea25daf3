"""Voxels of a volume have a place in the patient, whatever their order in the file."""

import numpy as np
import pytest

import sdk

RNG = np.random.default_rng(0)


def oblique(shape=(4, 6, 5)) -> sdk.Volume:
    angle = 0.3
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    to_patient = np.eye(4)
    to_patient[:3, :3] = turn @ np.array([[0, 0, -0.5], [0, 0.7, 0], [2.0, 0, 0]])
    to_patient[:3, 3] = [10, -20, 30]
    return sdk.Volume(voxels=RNG.random(shape, np.float32), to_patient=to_patient)


def test_points_survive_the_way_to_the_patient_and_back():
    volume = oblique()
    voxels = RNG.uniform(0, 6, (10, 3))
    np.testing.assert_allclose(volume.to_voxel(volume.to_patient_mm(voxels)), voxels)
    np.testing.assert_allclose(volume.spacing_mm, (2.0, 0.7, 0.5))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_every_voxel_keeps_its_place_when_turned(order):
    straight = oblique()
    turn = np.eye(4)[:, [*order, 3]]
    turned = sdk.Volume(
        voxels=np.transpose(straight.voxels, order), to_patient=straight.to_patient @ turn
    ).axial()
    assert turned.shape == straight.shape
    for voxel in np.ndindex(turned.shape):
        there = np.round(straight.to_voxel(turned.to_patient_mm(voxel))).astype(int)
        assert straight.voxels[tuple(there)] == turned.voxels[voxel]


def test_axial_runs_to_the_head_the_back_and_the_left():
    directions = oblique().axial().to_patient[:3, :3]
    assert directions[2, 0] > 0
    assert directions[1, 1] > 0
    assert directions[0, 2] > 0


def test_phase_turns_with_the_voxels():
    phase = RNG.random((2, 3, 4), np.float32)
    volume = sdk.Volume.of_spacing(phase.copy(), (2.0, 1.0, 1.0), phase=phase)
    flipped = sdk.Volume(
        voxels=volume.voxels[::-1],
        phase=phase[::-1],
        to_patient=volume.to_patient
        @ np.array([[-1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ).axial()
    np.testing.assert_array_equal(flipped.phase, phase)
    np.testing.assert_allclose(flipped.to_patient, volume.to_patient)


def test_refuses_what_does_not_fit_together():
    voxels = np.zeros((2, 3, 4), np.float32)
    with pytest.raises(sdk.VolumeError, match="phase must have the shape"):
        sdk.Volume(voxels=voxels, to_patient=np.eye(4), phase=np.zeros((2, 3, 3), np.float32))
    with pytest.raises(sdk.VolumeError, match="phase must be real numbers in radians, got compl"):
        sdk.Volume(voxels=voxels, to_patient=np.eye(4), phase=np.zeros((2, 3, 4), complex))
    with pytest.raises(sdk.VolumeError, match="slices, rows, columns"):
        sdk.Volume(voxels=voxels[0], to_patient=np.eye(4))
    with pytest.raises(sdk.VolumeError, match="invertible"):
        sdk.Volume(voxels=voxels, to_patient=np.zeros((4, 4)))


@pytest.mark.parametrize("broken", [np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.0, 1.0])])
def test_a_place_that_is_none_is_refused_without_a_warning(broken):
    with pytest.raises(sdk.VolumeError, match="to_patient must be an invertible 4 x 4 matrix"):
        sdk.Volume(voxels=np.zeros((2, 2, 2)), to_patient=broken)
