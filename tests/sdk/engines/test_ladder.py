"""The ladder climbs down with reasons and takes INT8 only where it was measured to win."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sdk.engines.choice import Step
from sdk.engines.ladder import UNTIMED, Ladder
from sdk.engines.recipe import Recipe
from sdk.errors import BackendError, EngineError

PRECISIONS = ("int8", "int8.fewer", "fp16", "fp32")


def ladder(fails=(), skipped=(), refused=()):
    """A ladder whose engines are their own names; some of them answer otherwise than the CPU."""
    rungs = [
        Step(precision=name, reason="no graph")
        if name in skipped
        else Recipe(precision=name, graph=name, strongly_typed=False)
        for name in PRECISIONS
    ]

    def engine(recipe):
        if recipe.precision in fails:
            raise EngineError(f"no kernel for {recipe.precision}")
        sidecar = SimpleNamespace(precision=recipe.precision)
        path = Path(f"{recipe.precision}.plan")
        return SimpleNamespace(data=recipe.precision.encode(), sidecar=sidecar, path=path)

    def accept(plan):
        return "dice is 0.5" if plan.sidecar.precision in refused else ""

    return Ladder(rungs, engine, accept)


def times(**ms):
    return lambda data: ms[data.decode().replace(".", "_")]


def left(choice):
    return [step.precision for step in choice.steps]


def test_int8_is_taken_where_it_is_faster():
    choice = ladder().best(times(int8=2.0, fp16=3.0))
    assert choice.chosen == "int8"
    assert choice.times_ms == {"fp16": 3.0, "int8": 2.0}
    assert choice.plans == {"int8": "int8.plan", "fp16": "fp16.plan"}
    assert "slower" in choice.steps[0].reason


@pytest.mark.parametrize("int8", [3.0, 3.5])
def test_int8_that_does_not_win_is_left(int8):
    choice = ladder().best(times(int8=int8, fp16=3.0))
    assert choice.chosen == "fp16"
    assert f"int8 {int8:.3f} ms" in choice.steps[0].reason


def test_int8_is_not_preferred_untimed():
    choice = ladder().best(None)
    assert (choice.chosen, choice.reason) == ("fp16", UNTIMED)
    assert left(choice) == ["int8"]


def test_every_step_down_keeps_its_reason():
    choice = ladder(fails=("int8", "int8.fewer", "fp16")).best(None)
    assert choice.chosen == "fp32"
    assert left(choice) == ["int8", "int8.fewer", "fp16"]
    assert choice.steps[1].reason == "no kernel for int8.fewer"


def test_fewer_quantised_layers_are_tried_before_int8_is_given_up():
    choice = ladder(fails=("int8",)).best(times(int8_fewer=1.0, fp16=2.0))
    assert choice.chosen == "int8.fewer"


def test_a_missing_rung_is_said():
    choice = ladder(skipped=("int8", "int8.fewer")).best(None)
    assert choice.chosen == "fp16"
    assert [step.reason for step in choice.steps] == ["no graph", "no graph"]


def test_an_engine_that_does_not_run_is_left():
    def time_ms(data):
        if data == b"int8":
            raise BackendError("illegal address")
        return 3.0

    choice = ladder().best(time_ms)
    assert choice.chosen == "fp16"
    assert "illegal address" in choice.steps[0].reason


def test_engines_that_do_not_run_leave_fp32():
    def time_ms(data):
        raise BackendError("illegal address")

    assert ladder().best(time_ms).chosen == "fp32"


def test_asked_for_means_that_one_or_none():
    assert ladder().only("fp32").chosen == "fp32"
    assert ladder(fails=("int8",)).only("int8").chosen == "int8.fewer"
    with pytest.raises(EngineError, match="fp16: no kernel for fp16"):
        ladder(fails=("fp16",)).only("fp16")


def test_nothing_that_builds_is_an_error_with_every_reason():
    with pytest.raises(EngineError) as refusal:
        ladder(fails=PRECISIONS).best(None)
    assert all(f"no kernel for {name}" in str(refusal.value) for name in PRECISIONS)


def test_a_rung_that_is_not_accepted_is_left_with_its_reason():
    choice = ladder(refused=("int8",)).best(times(int8_fewer=1.0, fp16=2.0))
    assert choice.chosen == "int8.fewer"
    assert choice.steps[0] == Step(precision="int8", reason="built, but not accepted: dice is 0.5")
    assert set(choice.plans) == {"int8", "int8.fewer", "fp16"}  # built, and still to be looked at


def test_the_ladder_goes_down_to_fp32_where_nothing_above_is_accepted():
    choice = ladder(refused=("int8", "int8.fewer", "fp16")).best(times())
    assert choice.chosen == "fp32"
    assert left(choice) == ["int8", "int8.fewer", "fp16"]
    assert choice.times_ms == {}, "nobody times what cannot be used"


def test_nothing_that_is_accepted_is_an_error_with_every_reason():
    with pytest.raises(EngineError) as refusal:
        ladder(refused=PRECISIONS).best(times())
    assert "no engine of this model folder can be used here" in str(refusal.value)
    assert str(refusal.value).count("not accepted: dice is 0.5") == 4


def test_what_is_asked_for_is_not_judged_here():
    assert ladder(refused=("int8",)).only("int8").chosen == "int8"
