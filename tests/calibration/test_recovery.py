"""Where INT8 falls short, steps are tried in order, measured, and kept if they help."""

import json

import numpy as np
import pytest
from candidates import prepared
from small_nets import ArrayFeed, Net, branched, chain, images, run, separable, volumetric

from calibration.agreement import Agreement, Tolerance
from calibration.choose import decibel
from calibration.judge import Verdict, hardest
from calibration.recovery import STEPS, Remedy, recover, told_of_step

STRICT = Tolerance(min_dice=0.999)
NEVER = Tolerance(min_dice=1.1)


def fragile(path):
    """One of three INT8 convolutions reads a tensor in which one strong channel hides the rest."""
    net = Net()
    tensor = net.relu(net.conv("image", (1, 16), name="first"))
    for name in ("one", "bad", "three"):
        if name == "bad":
            louder = np.ones((1, 16, 1, 1), np.float32)
            louder[0, 5] = 3000
            loud = net.op("Mul", tensor, net.weight(louder), name="loud")
            tensor = net.relu(net.conv(loud, (16, 16), name=name))
            net.scale(-2, 1 / louder)
        else:
            tensor = net.relu(net.conv(tensor, (16, 16), name=name))
    net.conv(tensor, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, 32, 32]})


def float_operations(candidate):
    return {item.node for item in candidate.placement.decisions if item.reason[:9] == "sensitive"}


def test_the_one_operation_that_ruins_the_answer_goes_to_float(tmp_path):
    plain, source = prepared(fragile(tmp_path / "net.onnx"))
    better, told = recover(plain, source, Remedy(steps=["float"], tolerance=Tolerance()))
    assert [item["step"] for item in told] == ["none", "float"]
    assert told[0]["shortfalls"]
    assert not told[1]["shortfalls"]
    assert told[1]["to_float"] == ["bad"]
    assert float_operations(better) == {"bad"}
    assert told[1]["float_share_of_multiplications"] == pytest.approx(1 / 3, abs=1e-6)


def test_equalisation_comes_first_and_may_be_enough(tmp_path):
    plain, source = prepared(separable(tmp_path / "net.onnx", spread=6))
    better, told = recover(plain, source, Remedy(tolerance=Tolerance()))
    assert told[0]["shortfalls"]
    assert told[1]["step"] == "equalise"
    assert told[1]["kept"]
    assert told[1]["signal_over_noise_db"] > told[0]["signal_over_noise_db"]
    assert not float_operations(better)


def test_within_the_tolerance_nothing_is_tried(tmp_path):
    plain, source = prepared(chain(tmp_path / "net.onnx"))
    better, told = recover(plain, source, Remedy(tolerance=Tolerance(min_dice=0.5)))
    assert better is plain
    assert [item["step"] for item in told] == ["none"]


@pytest.mark.parametrize("step", STEPS)
def test_each_step_can_be_asked_for_alone(tmp_path, step):
    plain, source = prepared(separable(tmp_path / "net.onnx", spread=3))
    _, told = recover(plain, source, Remedy(steps=[step], tolerance=NEVER))
    assert [item["step"] for item in told] == ["none", step]


def test_no_step_is_no_measurement(tmp_path):
    plain, source = prepared(chain(tmp_path / "net.onnx"))
    assert recover(plain, source, Remedy(steps=(), tolerance=NEVER)) == (plain, [])


def test_a_step_that_does_not_help_is_not_kept(tmp_path):
    plain, source = prepared(separable(tmp_path / "net.onnx", spread=6))
    better, told = recover(plain, source, Remedy(tolerance=NEVER))
    kept = [item for item in told if item["kept"]]
    for measured in (level, dice_of("int8"), dice_of("int8.cpu")):
        values = [measured(item) for item in kept]
        assert values == sorted(values)
    assert told[-1]["step"] == "float"
    assert not told[-1]["kept"], "no number of operations reaches a Dice above 1"
    assert not float_operations(better)


def test_hard_frames_are_those_with_the_weakest_signal_over_noise(tmp_path):
    feed = images(5)
    plain, source = prepared(chain(tmp_path / "net.onnx"), feed)
    levels = []
    for index in range(5):
        exact = run(source.path.read_bytes(), feed, index, ["logits"])["logits"]
        got = run(plain.write("int8"), feed, index, ["logits"])["logits"]
        levels.append(decibel(np.square(exact).sum(), np.square(got - exact).sum()))
    order = np.argsort(levels)
    frames, worst = hardest(plain, source, 2)
    assert [id(image) for image in frames.images] == [id(feed.images[i]) for i in sorted(order[:2])]
    assert [id(image) for image in worst.images] == [id(feed.images[order[0]])]


def level(said):
    return said["signal_over_noise_db"]


def dice_of(precision):
    return lambda said: said["agreement"][precision]["dice_mean"]


def test_better_outputs_that_give_worse_answers_are_not_better():
    def verdict(quality_db, dice, grades=(True, False), shortfalls=("short",)):
        agreement = Agreement(dice=[dice], marked=[True], same_grade=list(grades))
        return Verdict(agreements={"int8": agreement}, quality_db=quality_db, shortfalls=shortfalls)

    plain = verdict(20, 0.9)
    assert verdict(21, 0.9).better_than(plain)
    assert not verdict(21, 0.8).better_than(plain)
    assert not verdict(19, 0.95).better_than(plain)
    assert verdict(19, 0.8, shortfalls=()).better_than(plain)
    assert verdict(21, 0.8, grades=(True, True)).better_than(plain), "more grades than Dice is lost"
    assert not verdict(21, 0.95, grades=(False, False)).better_than(plain)


def test_what_was_tried_is_told_in_one_line_each(tmp_path):
    plain, source = prepared(fragile(tmp_path / "net.onnx"))
    _, told = recover(plain, source, Remedy(steps=["float"], tolerance=Tolerance()))
    lines = [told_of_step(said) for said in told]
    assert lines[0].startswith("recovery, as it is: signal over noise ")
    assert "int8: mean Dice 0." in lines[0]
    assert lines[1].startswith("recovery, float: kept, signal over noise ")
    assert lines[1].endswith("bad in float")


def volumes(count):
    random = np.random.default_rng(7)
    return ArrayFeed(*(random.random((1, 1, 8, 16, 16), np.float32) for _ in range(count)))


@pytest.mark.parametrize(
    ("build", "feed"),
    [(separable, images(4)), (branched, images(4)), (volumetric, volumes(4))],
    ids=["depthwise", "residual and concatenation", "3-D"],
)
def test_networks_of_others_go_the_whole_way(tmp_path, build, feed):
    plain, source = prepared(build(tmp_path / "net.onnx"), feed)
    better, told = recover(plain, source, Remedy(tolerance=STRICT))
    json.dumps(told)
    levels = [level(item) for item in told if item["kept"]]
    rising = levels if told[-1]["shortfalls"] else levels[:-1]  # enough is enough, at any level
    assert rising == sorted(rising)
    again, told_again = recover(plain, source, Remedy(tolerance=STRICT))
    assert told_again == told
    exact = run(source.path.read_bytes(), feed, 0, ["logits"])["logits"]
    for precision in ("int8", "int8.cpu"):
        content = better.write(precision)
        assert again.write(precision) == content
        mask = run(content, feed, 0, ["logits"])["logits"] > 0
        assert np.mean(mask == (exact > 0)) > 0.97
