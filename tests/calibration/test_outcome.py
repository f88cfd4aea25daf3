"""What came out is told to a person."""

import pytest

from calibration.folder import Quantised
from calibration.outcome import Outcome
from calibration.ranges import Range

LITTLE = (
    "regions: 6% of the multiplications are INT8, so little that it may be no faster than FP32; "
    "angioedge tune measures it"
)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"": 0.64}, ["64% of the multiplications are INT8"]),
        (
            {"detector": 0.97, "regions": 0.0573},
            [
                "detector: 97% of the multiplications are INT8",
                LITTLE,
            ],
        ),
    ],
)
def test_the_share_of_int8_is_told_and_whether_it_is_little(shares, said):
    outcome = Outcome(
        quantised=Quantised(files={}, graphs={}, golden={}, origin={}),
        ranges={"x": Range(limit=1.0, low=0.0, high=1.0, method="minmax", clipped=0.0)},
        agreements={},
        shortfalls=(),
        recovery=(),
        refused=(),
        int8_shares=shares,
    )
    assert outcome.lines() == said
