"""Golden vectors: their names in a file, and the limits of every precision."""

from io import BytesIO

import numpy as np
import pytest

from sdk.golden import Golden, pack_golden, pair_golden, relative_difference


def test_vectors_come_back_by_name():
    pairs = [({"image": np.full(3, i)}, {"logits": np.full(2, -i)}) for i in range(12)]
    read = pair_golden(np.load(BytesIO(pack_golden(pairs))))
    assert [inputs["image"][0] for inputs, _ in read] == list(range(12))
    assert [outputs["logits"][0] for _, outputs in read] == [-i for i in range(12)]


def test_outputs_are_recorded_within_a_thirty_second_of_the_tolerance_and_pack_better():
    noise = np.random.default_rng(3).normal(size=20_000).astype(np.float32)
    packed = pack_golden([({"image": noise}, {"logits": noise})])
    ((inputs, outputs),) = pair_golden(np.load(BytesIO(packed)))
    assert np.array_equal(inputs["image"], noise)
    assert outputs["logits"].dtype == np.float32
    apart = relative_difference(noise, outputs["logits"])
    assert 0 < apart <= Golden().tolerance / 32
    assert np.array_equal(np.sign(outputs["logits"]), np.sign(noise))
    exact = pack_golden([({"image": noise, "more": noise}, {})])
    assert len(packed) < 0.9 * len(exact)


@pytest.mark.parametrize(
    "output",
    [
        np.full(5, 0.1, np.float32),
        np.arange(5, dtype=np.uint8),
        np.array([0.1, 0.7], np.float16),
        np.array([0.1, np.nan], np.float32),
    ],
)
def test_outputs_without_a_range_to_round_to_are_kept(output):
    ((_, outputs),) = pair_golden(np.load(BytesIO(pack_golden([({"x": output}, {"y": output})]))))
    assert np.array_equal(outputs["y"], output, equal_nan=True)


def test_what_was_measured_for_a_precision_comes_before_what_rounding_explains():
    golden = Golden(tolerances={"int8": {"logits": 0.3}, "int8.cpu": {"logits": 0.2}})
    assert golden.tolerance_of("fp32", "logits") == 1e-3
    assert golden.tolerance_of("fp16", "logits") == 2e-2
    assert golden.tolerance_of("int8.cpu", "logits") == 0.2
    assert golden.tolerance_of("int8.fewer", "logits") == 0.3
    assert golden.tolerance_of("int8.fewer", "other") == 1e-1


def test_agreement_that_no_manifest_limits_must_be_whole():
    golden = Golden(answers={"dice": 0.9})
    limits = [
        golden.least_agreement("fp32", measure) for measure in ("dice", "same_grade", "matched")
    ]
    assert limits == [0.9, 1.0, 1.0]


def test_agreement_is_asked_of_every_precision_but_those_that_were_measured_lower():
    golden = Golden(agreements={"int8": {"dice": 0.8}, "int8.cpu": {"dice": 0.7}})
    precisions = ("fp32", "fp16", "int8", "int8.fewer", "int8.cpu")
    limits = [golden.least_agreement(one, "dice") for one in precisions]
    assert limits == [0.98, 0.98, 0.8, 0.8, 0.7]
    assert golden.least_agreement("int8", "filled_dice") == 0.98


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"image": np.zeros(1)},
        {"0/images/x": np.zeros(1)},
        {"first/inputs/x": np.zeros(1), "first/outputs/y": np.zeros(1)},
        {"0/inputs/x": np.zeros(1)},
        {"0/outputs/y": np.zeros(1)},
    ],
)
def test_what_is_no_pair_of_inputs_and_outputs_is_refused(arrays):
    with pytest.raises(ValueError, match=r"no name of a golden vector|missing"):
        pair_golden(arrays)


@pytest.mark.parametrize(
    ("dtype", "recorded", "computed", "expected"),
    [
        (np.uint8, [0, 255], [255, 255], 1.0),
        (np.int64, [-3, 5], [-3, 7], 0.25),
        (np.bool_, [False, True], [True, True], 1.0),
        (np.float16, [-6e4, 6e4], [-6e4, 0.0], 0.5),
        (np.float32, [2.0, 2.0], [2.0, 2.5], 0.5),
    ],
)
def test_a_difference_is_that_of_the_numbers_whatever_holds_them(
    dtype, recorded, computed, expected
):
    found = relative_difference(np.array(recorded, dtype), np.array(computed, dtype))
    assert found == pytest.approx(expected, rel=1e-3)
