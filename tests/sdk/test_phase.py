"""Phase of every vendor arrives in radians, with one sign."""

import numpy as np
import pytest

import sdk
from sdk.phase import to_radians, vendor_of

TRUE = np.array([-3.1, -1.0, 0.0, 0.5, 3.1], np.float32)
STORED = {
    "Siemens rescaled": ("SIEMENS", TRUE * 4096 / np.pi),
    "Siemens raw": ("Siemens Healthineers", TRUE * 2048 / np.pi + 2048),
    "Siemens radians": ("SIEMENS", TRUE),
    "Philips radians": ("Philips Medical Systems", TRUE),
    "Philips milliradians": ("Philips", TRUE * 1000),
    "GE milliradians": ("GE MEDICAL SYSTEMS", TRUE * -1000),
    "GE radians": ("GE Medical Systems", -TRUE),
    "nobody, radians": ("", TRUE),
}


@pytest.mark.parametrize("case", STORED)
def test_every_convention_gives_the_same_radians(case):
    manufacturer, stored = STORED[case]
    radians, notes = to_radians(stored.astype(np.float32), manufacturer)
    np.testing.assert_allclose(radians, TRUE, atol=1e-5)
    assert notes[0].endswith("and read as radians")


def test_a_flip_is_noted_and_an_unknown_sign_too():
    assert any("GE turns the other way" in note for note in to_radians(TRUE, "GE MEDICAL")[1])
    assert any("does not tell the sign" in note for note in to_radians(TRUE)[1])


def test_the_caller_has_the_last_word():
    radians, notes = to_radians(TRUE, "GE MEDICAL SYSTEMS", sign=1)
    np.testing.assert_allclose(radians, TRUE)
    assert not any("flipped" in note for note in notes)
    np.testing.assert_allclose(to_radians(TRUE, "Philips", sign=-1)[0], -TRUE)


def test_what_is_not_finite_stays_so_and_does_not_hide_the_scale():
    stored = np.array([np.nan, -2000.0, 2000.0, np.inf], np.float32)
    radians, notes = to_radians(stored, "GE MEDICAL SYSTEMS", sign=1)
    np.testing.assert_allclose(radians[1:3], [-2.0, 2.0], rtol=1e-6)
    assert np.isnan(radians[0])
    assert "milliradians" in notes[0]


def test_refuses_what_no_vendor_writes():
    with pytest.raises(sdk.VolumeError, match="not milliradians, radians of GE"):
        to_radians(np.array([-9000.0, 9000.0], np.float32), "GE MEDICAL SYSTEMS")
    with pytest.raises(ValueError, match="sign must be"):
        to_radians(TRUE, sign=2)


def test_vendors_are_known_by_their_names():
    assert [
        vendor_of(n) for n in ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips", "UIH", "Gerlach")
    ] == ["SIEMENS", "GE", "PHILIPS", "", ""]
