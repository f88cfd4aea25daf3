"""Operations are ranked by what each does alone, and as few as possible go to float."""

from math import log2

import numpy as np
import pytest
from candidates import prepared
from onnx import TensorProto
from small_nets import Net, branched, images, projected, run, volumetric

from calibration.choose import decibel
from calibration.placement import SENSITIVE, UNMEASURED
from calibration.quantisable import multiplications, read_quantisable
from calibration.sensitivity import by_worth, fewest, rank


def three(path):
    net = Net()
    tensor = net.relu(net.conv("image", (1, 16), name="first"))
    for name in ("one", "two", "three"):
        tensor = net.relu(net.conv(tensor, (16, 16), name=name))
    net.conv(tensor, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, 32, 32]})


def test_the_rank_is_that_of_a_graph_in_which_one_operation_is_int8(tmp_path):
    candidate, source = prepared(three(tmp_path / "net.onnx"), images(2))
    found = rank(candidate, source)
    assert list(found.values()) == sorted(found.values())
    exact = [run(source.path.read_bytes(), source.frames, i, ["logits"])["logits"] for i in (0, 1)]
    for index, level in found.items():
        alone = candidate.with_float([], set(found) - {index}).write("int8")
        got = [run(alone, source.frames, i, ["logits"])["logits"] for i in (0, 1)]
        noise = [np.square(a - b).sum() for a, b in zip(exact, got, strict=True)]
        levels = [decibel(np.square(a).sum(), n) for a, n in zip(exact, noise, strict=True)]
        assert level == pytest.approx(min(levels), abs=0.1)


def test_what_goes_to_float_says_why_and_the_rest_keeps_its_ranges(tmp_path):
    candidate, _ = prepared(branched(tmp_path / "net.onnx"))
    less = candidate.with_float([], [candidate.graph.producer("fused").index])
    reasons = {item.node: (item.int8, item.reason) for item in less.placement.decisions}
    assert reasons["fused"] == (False, SENSITIVE)
    assert reasons["outer"][0]
    assert set(less.ranges) == set(less.placement.cpu.pairs) < set(candidate.ranges)
    assert all(candidate.ranges[name] == item for name, item in less.ranges.items())
    assert b"joined/quantised" in candidate.write("int8.cpu")
    assert b"joined/quantised" not in less.write("int8.cpu")


def residual(path):
    """A small correction of a far brighter picture, whose sum may not be rounded."""
    net = Net()
    bright = net.relu(net.conv("image", (1, 16), name="first"))
    inner = net.relu(net.conv(bright, (16, 16), name="inner"))
    small = net.conv(inner, (16, 16), name="outer")
    scaled = net.op("Mul", bright, net.weight(np.float32(50)), name="scaled")
    total = net.op("Add", scaled, small, name="total")
    sure = net.op("Tanh", total, name="sure")
    net.conv(sure, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, 32, 32]})


def test_the_identity_branch_of_an_addition_goes_to_float_by_itself(tmp_path):
    candidate, source = prepared(residual(tmp_path / "net.onnx"), images(2))
    added = candidate.graph.producer("total").index
    found = rank(candidate, source)
    assert next(iter(found)) == added
    assert set(found) == {added, *candidate.placement.weights}
    less = candidate.with_float([], [added])
    assert less.placement.weights == candidate.placement.weights
    reasons = {item.node: (item.int8, item.reason) for item in less.placement.decisions}
    assert reasons["total"] == (False, SENSITIVE)
    exact = run(source.path.read_bytes(), source.frames, 0, ["logits"])["logits"]
    errors = [
        np.abs(run(one.write("int8"), source.frames, 0, ["logits"])["logits"] - exact).max()
        for one in (less, candidate)
    ]
    assert errors[0] < errors[1] / 2


@pytest.mark.parametrize("x86", ["exact", "openvino"])
def test_an_addition_goes_to_float_with_its_convolution_where_the_other_was_not_measured(
    tmp_path, x86
):
    candidate, source = prepared(projected(tmp_path / "net.onnx"), images(2), x86)
    added, outer = (candidate.graph.producer(name).index for name in ("residual", "outer"))
    assert candidate.placement.residuals == {added: "shortcut"}
    less = candidate.with_float([], [outer])
    reasons = {item.node: (item.int8, item.reason) for item in less.placement.decisions}
    assert reasons["residual"] == (False, UNMEASURED)
    assert reasons["shortcut"][0]
    exact = run(source.path.read_bytes(), source.frames, 0, ["logits"])["logits"]
    for precision in ("int8", "int8.cpu"):
        mask = run(less.write(precision), source.frames, 0, ["logits"])["logits"] > 0
        assert np.mean(mask == (exact > 0)) > 0.97


@pytest.mark.parametrize("count", [1, 2, 7, 60])
def test_fewest_is_the_first_number_that_is_enough(count):
    for enough in range(1, count + 1):
        asked = []

        def within(number, enough=enough, asked=asked):
            asked.append(number)
            return number >= enough

        assert fewest(count, within) == enough
        assert len(asked) == len(set(asked)) <= 2 * log2(enough) + 3


def test_nothing_may_be_enough():
    assert fewest(5, lambda _: False) is None


def test_float_is_spent_where_it_takes_most_noise_away_per_multiplication(tmp_path):
    graph = read_quantisable(residual(tmp_path / "net.onnx"))
    inner, outer, total = (graph.producer(name).index for name in ("inner", "outer", "total"))
    assert by_worth(graph, {inner: 20.0, outer: 30.0, total: 60.0}) == [total, inner, outer]
    narrow, wide = (graph.producer(name).index for name in ("first", "inner"))
    assert multiplications(graph, [wide]) == 16 * multiplications(graph, [narrow])
    assert by_worth(graph, {wide: 20.0, narrow: 30.0}) == [narrow, wide]
    assert by_worth(graph, {wide: 17.0, narrow: 30.0}) == [wide, narrow]


def test_multiplications_are_those_of_the_weights_at_every_place(tmp_path):
    flat = read_quantisable(three(tmp_path / "flat.onnx"))
    index = flat.producer("two").index
    assert multiplications(flat, [index]) == 16 * 16 * 9 * 32 * 32
    deep = read_quantisable(volumetric(tmp_path / "deep.onnx"))
    both = [deep.producer(name).index for name in ("inner", "logits")]
    assert multiplications(deep, both) == (16 * 16 * 27 + 16) * 8 * 16 * 16
    net = Net()
    net.op("MatMul", "image", net.weight(np.ones((32, 5), np.float32)), name="out")
    product = read_quantisable(net.save(tmp_path / "product.onnx", {"out": [1, 1, 32, 5]}))
    assert multiplications(product, [0]) == 32 * 32 * 5


def test_products_in_halves_or_of_two_activations_count_nothing(tmp_path):
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    inner = net.relu(net.conv(first, (16, 16), name="inner"))
    squares = net.op("MatMul", inner, inner, name="squares")
    halves = net.op("Cast", squares, name="down", to=TensorProto.FLOAT16)
    weight = net.weight(np.ones((1, 16, 1, 1), np.float16))
    lone = net.op("Conv", halves, weight, name="lone")
    net.op("Cast", lone, name="logits", to=TensorProto.FLOAT)
    candidate, _ = prepared(net.save(tmp_path / "net.onnx", {"logits": [1, 1, 32, 32]}))
    assert {candidate.graph.nodes[i].name for i in candidate.placement.weights} == {"inner"}
    assert candidate.int8_share == pytest.approx(256 / (256 + 16))
