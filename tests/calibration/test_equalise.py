"""Equalised channels need fewer steps, and the float network does not notice."""

import numpy as np
import pytest
from candidates import prepared
from small_nets import ArrayFeed, Net, images, run, separable

from calibration.choose import decibel
from calibration.equalise import equalise, largest_per_channel, pairs_of
from calibration.placement import place
from calibration.quantisable import read_quantisable

SPREAD = 5


def quality_db(candidate, source):
    """Signal over noise of the logits on the first frame."""
    exact = run(source.path.read_bytes(), source.frames, 0, ["logits"])["logits"]
    got = run(candidate.write("int8"), source.frames, 0, ["logits"])["logits"]
    return decibel(np.square(exact).sum(), np.square(exact - got).sum())


def test_the_float_network_computes_the_very_same_numbers(tmp_path):
    path, feed = separable(tmp_path / "net.onnx", spread=SPREAD), images(2)
    graph = read_quantisable(path)
    equal, tensors = equalise(graph, place(graph), feed)
    assert tensors
    before = run(path.read_bytes(), feed, 0, ["logits"])["logits"]
    after = run(equal.model.SerializeToString(), feed, 0, ["logits"])["logits"]
    assert np.array_equal(before, after)


def test_int8_comes_nearer_by_the_spread_of_the_channels(tmp_path):
    plain, source = prepared(separable(tmp_path / "net.onnx", spread=SPREAD))
    equal, _ = equalise(plain.graph, plain.placement, source.frames)
    nearer = source.make(equal, plain.placement)
    assert quality_db(nearer, source) > quality_db(plain, source) + 10


def test_only_pairs_that_nothing_else_sees_are_scaled(tmp_path):
    graph = read_quantisable(separable(tmp_path / "net.onnx"))
    found = {(pair.first.name, pair.second.name) for pair in pairs_of(graph, place(graph))}
    assert found == {("first", "depth_a"), ("depth_a", "point_a"), ("point_a", "depth_b"),
                     ("depth_b", "point_b"), ("point_b", "logits")}  # fmt: skip


def between(path, insert):
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    middle = net.relu(net.conv(insert(net, first), (16, 16), name="middle"))
    net.conv(middle, (16, 1), side=1, name="logits")
    graph = read_quantisable(net.save(path, {"logits": [1, 1, 32, 32]}))
    return [pair.second.name for pair in pairs_of(graph, place(graph))]


@pytest.mark.parametrize(
    ("insert", "scaled"),
    [
        (lambda net, x: x, True),
        (lambda net, x: net.op("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4), True),
        (lambda net, x: net.op("Sigmoid", x), False),
        (lambda net, x: net.op("Add", x, x), False),
    ],
)
def test_what_lies_between_must_commute_with_factors(tmp_path, insert, scaled):
    assert ("middle" in between(tmp_path / "net.onnx", insert)) is scaled


def test_a_weight_that_two_read_is_left_alone(tmp_path):
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    shared = net.random(16, 16, 3, 3)
    tensor = first
    for name in ("one", "two"):
        tensor = net.relu(net.op("Conv", tensor, shared, name=name, pads=[1] * 4))
    net.conv(tensor, (16, 1), side=1, name="logits")
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {"logits": [1, 1, 32, 32]}))
    assert pairs_of(graph, place(graph)) == []


def test_a_dead_channel_is_left_as_it_is(tmp_path):
    path = separable(tmp_path / "net.onnx", spread=SPREAD)
    graph = read_quantisable(path)
    weight, bias = graph.producer("depth_a").inputs[1:]
    dead = {weight: graph.values(weight).copy(), bias: graph.values(bias).copy()}
    dead[weight][3], dead[bias][3] = 0, -1
    graph = graph.with_values(dead)
    equal, _ = equalise(graph, place(graph), images(2))
    factors = equal.values(bias) / dead[bias]
    assert factors[3] == 1
    assert np.count_nonzero(factors == 1) < 8


def test_ranges_of_channels_are_those_of_all_frames(tmp_path):
    path = separable(tmp_path / "net.onnx")
    feed = ArrayFeed(*images(3).images)
    found = largest_per_channel(read_quantisable(path), ["point_a"], feed)["point_a"]
    seen = [run(path.read_bytes(), feed, i, ["point_a"])["point_a"] for i in range(3)]
    expected = np.abs(np.concatenate(seen)).max(axis=(0, 2, 3))
    assert found == pytest.approx(expected, rel=1e-4)
