"""Agreement is counted frame by frame, and what falls short is said."""

import numpy as np
import pytest

from calibration.agreement import Agreement, Tolerance, nothing_to_judge
from calibration.errors import CalibrationError
from sdk import Grade, QualityAnswer, Vessels
from sdk.kernels import Centreline
from sdk.tasks import ArteryAnswer, dice


def vessels(mask):
    return Vessels(mask=mask, area_px=int(mask.sum()), area_mm2=None, count=1)


def graded(grade, mask):
    return QualityAnswer(grade=grade, probabilities=(1.0,), vessels=vessels(mask))


@pytest.fixture
def masks():
    return np.random.default_rng(0).integers(0, 2, (2, 20, 30)).astype(np.uint8)


def test_dice_is_twice_the_common_part_over_both(masks):
    a, b = (set(zip(*np.nonzero(mask), strict=True)) for mask in masks)
    assert dice(*masks) == 2 * len(a & b) / (len(a) + len(b))


def test_two_empty_masks_agree():
    empty = np.zeros((4, 4), np.uint8)
    assert dice(empty, empty) == 1
    assert dice(empty, empty + 1) == 0


def test_the_mean_decides_over_frames(masks):
    agreement = Agreement()
    agreement.add(vessels(masks[0]), vessels(masks[0]))
    agreement.add(vessels(masks[0]), vessels(masks[1]))
    mean = (1 + dice(*masks)) / 2
    assert agreement.summary()["dice_mean"] == pytest.approx(mean, abs=1e-6)
    assert agreement.shortfalls(Tolerance(min_dice=mean)) == []
    assert agreement.shortfalls(Tolerance(min_dice=mean + 0.01))[0].startswith("mean Dice 0.")


def test_frames_of_which_nothing_is_marked_do_not_raise_the_mean(masks):
    agreement, empty = Agreement(), np.zeros_like(masks[0])
    agreement.add(vessels(empty), vessels(empty))
    assert agreement.scores() == {}
    assert agreement.summary()["dice_mean"] == 1
    agreement.add(vessels(masks[0]), vessels(masks[1]))
    agreement.add(vessels(empty), vessels(masks[1]))
    assert agreement.scores()["dice"] == dice(*masks) / 2
    assert agreement.summary()["frames"] == 3


def arteries(mask):
    lines = {"points": np.zeros((0, 2), np.int32), "radius": np.zeros(0, np.float32)}
    centreline = Centreline(skeleton=mask * 0, unit="px", **lines)
    return ArteryAnswer(
        vessels=vessels(mask),
        filled=vessels(mask),
        centreline=centreline,
        arrival_frame=np.full(mask.shape, -1, np.int32),
        arrival_ms=None,
        frames=1,
    )


def test_runs_of_which_nothing_is_marked_do_not_raise_the_mean(masks):
    agreement, empty = Agreement(), np.zeros_like(masks[0])
    for pair in ((empty, empty), masks, (empty, empty)):
        agreement.add(*map(arteries, pair), ends_run=True)
    assert agreement.scores() == {"dice": dice(*masks), "filled_dice": dice(*masks)}


def test_pixels_are_counted_over_all_frames(masks):
    agreement = Agreement()
    agreement.add(vessels(masks[0]), vessels(masks[1]))
    same = np.mean(masks[0] == masks[1])
    assert agreement.summary()["same_pixels"] == pytest.approx(same)


def test_a_changed_grade_falls_short(masks):
    agreement = Agreement()
    for got in (Grade.GOOD, Grade.GOOD, Grade.POOR):
        agreement.add(graded(Grade.GOOD, masks[0]), graded(got, masks[0]))
    assert agreement.summary()["same_grade"] == pytest.approx(2 / 3, abs=1e-6)
    assert agreement.shortfalls(Tolerance()) == ["same grade on 66.7%, expected 99.0%"]
    assert agreement.shortfalls(Tolerance(min_same_grade=0.6)) == []


def test_a_task_without_grades_is_not_asked_for_them(masks):
    agreement = Agreement()
    agreement.add(vessels(masks[0]), vessels(masks[0]))
    assert "same_grade" not in agreement.summary()
    assert agreement.shortfalls(Tolerance()) == []


def test_an_answer_without_vessels_is_refused():
    with pytest.raises(CalibrationError, match="holds no vessels to compare"):
        Agreement().add(1.0, 1.0)


@pytest.mark.parametrize("value", [0, 1], ids=["nothing", "everything"])
def test_frames_without_a_part_to_agree_upon_judge_nothing(masks, value):
    agreement, flat = Agreement(), np.full((20, 30), value, np.uint8)
    agreement.add(vessels(flat), vessels(flat))
    assert agreement.shortfalls(Tolerance()) == []
    assert "each of the 1 held-out frames" in nothing_to_judge({("fp32", "int8"): agreement})
    agreement.add(vessels(masks[0]), vessels(masks[0]))
    assert nothing_to_judge({("fp32", "int8"): agreement}) == ""
    assert agreement.summary()["frames_with_vessels"] == 1


@pytest.mark.parametrize(("of", "lost", "enough"), [(48, 0, True), (199, 1, False), (200, 1, True)])
def test_grades_lost_on_the_hardest_frames_count_among_all(masks, of, lost, enough):
    agreement = Agreement()
    for place in range(16):
        grade = Grade.POOR if place < lost else Grade.GOOD
        agreement.add(graded(Grade.GOOD, masks[0]), graded(grade, masks[0]))
    assert (not agreement.shortfalls(Tolerance().on_hardest(16, of))) is enough
    assert Tolerance().on_hardest(16, 10_000).min_same_grade == 0.0


def test_dice_is_kept_in_hand_where_the_few_are_nearly_all():
    assert Tolerance().on_hardest(16, 16).min_dice == pytest.approx(0.985)
    assert Tolerance().on_hardest(16, 32).min_dice == 0.98
