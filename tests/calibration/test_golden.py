"""What a device may differ by is measured on the golden vectors."""

import folders
import numpy as np
import pytest

from calibration.golden import Limits, golden_limits, limited
from sdk.backends import open_backend
from sdk.golden import Golden


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model")


def rewrite(folder, change):
    """Records other outputs: `change` takes a name of the archive and what is there."""
    with np.load(folder.path / "golden.npz") as archive:
        changed = {name: change(name, values) for name, values in archive.items()}
    np.savez(folder.path / "golden.npz", **changed)


def limits_of(folder):
    return golden_limits(folder, open_backend(folder.graph("fp32")))


def test_what_gives_the_very_numbers_keeps_the_limits_of_the_manifest(folder):
    plain = folder.manifest.golden.tolerance
    assert limits_of(folder) == Limits(tolerances={"vessels": plain, "grade": plain})


def test_tolerances_are_twice_what_was_found(folder):
    rewrite(
        folder,
        lambda name, values: values + 0.1 * np.ptp(values) if "outputs/grade" in name else values,
    )
    plain = folder.manifest.golden.tolerance
    assert limits_of(folder).tolerances == pytest.approx({"vessels": plain, "grade": 0.2}, rel=1e-3)


def test_an_agreement_below_the_limit_lowers_it_by_twice_the_loss(folder):
    def with_more_vessels(name, values):
        if "outputs/vessels" not in name:
            return values
        marked = values > 0
        marked[..., : marked.shape[-1] // 8] = True
        return np.where(marked, 5, -5).astype(values.dtype)

    rewrite(folder, with_more_vessels)
    (_, recorded), *_ = folder.golden()
    backend = open_backend(folder.graph("fp32"))
    np.copyto(backend.inputs["frame"], folder.golden()[0][0]["frame"])
    backend.run()
    expected, got = recorded["vessels"] > 0, backend.outputs["vessels"] > 0
    dice = 2 * np.sum(expected & got) / (np.sum(expected) + np.sum(got))
    assert 0.5 < dice < 0.98
    assert limits_of(folder).agreements == {"dice": pytest.approx(2 * dice - 1, abs=1e-6)}


def test_a_folder_without_golden_vectors_has_no_limits(tmp_path):
    assert limits_of(folders.quality_folder(tmp_path / "bare", golden=None)) == Limits()


def test_the_limits_replace_those_of_an_older_calibration():
    older = Golden(tolerances={"int8.fewer": {"grade": 0.5}}, agreements={"int8": {"dice": 0.1}})
    newer = limited(older, {"int8": Limits(tolerances={"grade": 0.25})})
    assert newer.tolerances == {"int8": {"grade": 0.25}}
    assert newer.agreements == {"int8": {}}


def test_two_networks_share_one_entry():
    both = Limits(tolerances={"a": 1.0}) | Limits(tolerances={"b": 2.0}, agreements={"dice": 0.5})
    assert both == Limits(tolerances={"a": 1.0, "b": 2.0}, agreements={"dice": 0.5})
