"""Samples that write phantoms."""

import csv

import numpy as np

import sdk


def test_phantom_run_is_a_run_with_a_mask(run, tmp_path):
    run("phantom_run.py", tmp_path / "run.dcm")
    angiogram = sdk.read_xa(tmp_path / "run.dcm")
    assert len(angiogram) == 40
    assert angiogram[10].mask is not None


def test_phantom_brain_is_a_volume_with_its_truth(run, tmp_path):
    run("phantom_brain.py", tmp_path, "2.0")
    volume = sdk.read_volume(tmp_path / "swi.nii.gz", tmp_path / "phase.nii.gz")
    np.testing.assert_allclose(volume.spacing_mm, (2.0, 2.0, 2.0))
    with (tmp_path / "truth.csv").open(newline="") as file:
        truth = list(csv.DictReader(file))
    assert len(truth) >= 6
    for row in truth:
        place = volume.to_voxel([float(row[f"{axis}_mm"]) for axis in "xyz"])
        assert (place > 0).all()
        assert (place < volume.shape).all()
        cut = tuple(slice(round(at) - 1, round(at) + 2) for at in place)
        assert volume.voxels[cut].min() < 0.5 * np.median(volume.voxels[volume.voxels > 0.3])


def test_phantom_patients_come_as_a_run_and_a_single_frame(run, tmp_path):
    run("phantom_patients.py", tmp_path, 2, 24_000_000)
    lengths = [len(sdk.read_xa(tmp_path / f"run_2400000{number}.dcm")) for number in (0, 1)]
    assert lengths == [6, 6]
    singles = [sdk.read_xa(tmp_path / f"single_2400000{number}.dcm") for number in (0, 1)]
    assert all(single[-1].mask is not None or len(single) == 1 for single in singles)


def test_phantom_sequences_bring_their_mask(run, tmp_path):
    run("phantom_sequences.py", tmp_path, 1, 24_000_000)
    sequence = sdk.read_xa(tmp_path / "sequence_24000000.dcm")
    assert len(sequence) > 4
    assert sequence[-1].shape == (512, 512)
    assert np.array_equal(sequence[-1].mask.pixels, sequence[0].pixels)
