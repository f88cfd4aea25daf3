"""A model folder says what its network was trained on."""

import pytest

from export.origin import trained_on, with_origin
from export.quality_folder import INTENDED

PHANTOM = {"recipe": {"data": None}}
REAL = {"recipe": {"data": "somewhere/ours"}}


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [
        (({"steps": 0},), "phantoms only"),  # notes of old
        ((PHANTOM, PHANTOM), "phantoms only"),
        ((REAL,), "the folder ours"),
        ((REAL, PHANTOM), "phantoms only and the folder ours"),
    ],
)
def test_data_are_named_without_their_path(trainings, expected):
    assert trained_on(*trainings) == expected
    assert expected in with_origin(INTENDED, *trainings).note


def test_phantoms_leave_the_note_as_it_is():
    assert with_origin(INTENDED, PHANTOM) == INTENDED
