"""Grades follow the worst axis, and no severity falls between two grades."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms import quality
from training.phantoms.quality import AXES, DRAWN, INTERVALS, UNGRADED, Severities, draw_severities


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize(("severity", "grade"), [(0.1, 2), (0.5, 1), (0.9, 0)])
def test_the_worst_axis_decides(axis: str, severity: float, grade: int) -> None:
    companions = dict.fromkeys(AXES, 0.05)
    severities = Severities(**{**companions, axis: severity})
    assert (severities.grade, severities.deciding_axis) == (grade, axis)


@pytest.mark.parametrize("severity", [0.30, 0.35, 0.61, 0.69])
def test_a_gap_has_no_grade(severity: float) -> None:
    severities = Severities(noise=severity)
    assert severities.grade_or_ungraded == UNGRADED
    with pytest.raises(ValueError, match="gap"):
        _ = severities.grade


@pytest.mark.parametrize("grade", sorted(INTERVALS))
def test_drawn_severities_have_the_grade_asked_for(grade: int) -> None:
    rng = np.random.default_rng(grade)
    drawn = [draw_severities(rng, grade) for _ in range(2000)]
    low, high = DRAWN[grade]
    assert all(low <= severities.worst <= high for severities in drawn)
    assert {severities.grade for severities in drawn} == {grade}
    assert {severities.deciding_axis for severities in drawn} == set(AXES)


def test_refuses_a_grade_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1, 2\], got 3"):
        draw_severities(np.random.default_rng(0), 3)


@pytest.mark.parametrize(
    ("effect", "worsens"),
    [
        (quality.iodine_fraction, -1),
        (quality.front_reach, -1),
        (quality.residual_share, 1),
        (quality.motion_blur_px, 1),
        (quality.noise_share, 1),
        (quality.blur_px, 1),
        (quality.hidden_fraction, 1),
        (quality.saturated_fraction, 1),
    ],
)
def test_a_higher_severity_is_worse(effect, worsens: int) -> None:
    steps = np.diff([effect(severity) for severity in np.linspace(0, 1, 21)])
    assert (steps * worsens > 0).all()
