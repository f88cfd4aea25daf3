"""Ranges come from every frame, in memory that neither frames nor groups change."""

import tracemalloc

import numpy as np
import pytest
from small_nets import ArrayFeed, Net, branched, chain, images, run

from calibration.collect import CollectOptions, collect
from calibration.errors import CalibrationError
from calibration.placement import place
from calibration.quantisable import read_quantisable

SMALL = CollectOptions(bins=128)


def test_extremes_and_counts_are_those_of_the_graph(tmp_path):
    path, feed = branched(tmp_path / "net.onnx"), images(3)
    graph = read_quantisable(path)
    names = place(graph).cpu.pairs
    found = collect(graph, names, feed, SMALL)
    seen = [run(path.read_bytes(), feed, index, names) for index in range(3)]
    for name in names:
        values = np.concatenate([outputs[name].reshape(-1) for outputs in seen])
        assert found[name].low == pytest.approx(values.min(), abs=1e-5)
        assert found[name].high == pytest.approx(values.max(), abs=1e-5)
        expected, _ = np.histogram(np.abs(values), 128, (0, found[name].largest))
        assert np.abs(np.cumsum(found[name].counts - expected)).max() <= 2e-3 * values.size


def test_groups_do_not_change_what_is_found(tmp_path):
    graph, feed = read_quantisable(branched(tmp_path / "net.onnx")), images(2)
    names = place(graph).cpu.pairs
    at_once = collect(graph, names, feed, SMALL)
    one_by_one = collect(graph, names, feed, CollectOptions(bins=128, group_bytes=1))
    for name in names:
        assert one_by_one[name].largest == pytest.approx(at_once[name].largest, rel=1e-5)
        assert one_by_one[name].counts.sum() == at_once[name].counts.sum()


def test_an_input_of_the_graph_has_a_range_too(tmp_path):
    graph = read_quantisable(chain(tmp_path / "net.onnx"))
    feed = ArrayFeed(np.full((1, 1, 32, 32), 0.25, np.float32))
    assert collect(graph, ["image"], feed, SMALL)["image"].high == 0.25


def peak_bytes(graph, names, frames, tmp_options):
    tracemalloc.start()
    collect(graph, names, _Generated(frames), tmp_options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


class _Generated(ArrayFeed):
    """Frames that are made when they are asked for."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def fill(self, index, inputs):
        inputs["image"][...] = np.random.default_rng(index).random(inputs["image"].shape)
        return f"image {index}"


def test_memory_does_not_grow_with_the_frames(tmp_path):
    graph = read_quantisable(branched(tmp_path / "net.onnx"))
    names = place(graph).cpu.pairs
    peak_bytes(graph, names, 1, SMALL)  # what is allocated once and kept
    few, many = (peak_bytes(graph, names, frames, SMALL) for frames in (2, 60))
    assert many < few * 1.1


def test_memory_is_that_of_a_group(tmp_path):
    net, tensor = Net(), "image"
    for _ in range(24):
        tensor = net.conv(tensor, (1, 1))
    size = (256, 256)
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {tensor: [1, 1, *size]}, size))
    names = [node.outputs[0] for node in graph.nodes]
    one = 4 * size[0] * size[1]
    groups = [CollectOptions(bins=128, group_bytes=count * one) for count in (2, 24)]
    small, large = (peak_bytes(graph, names, 1, options) for options in groups)
    assert large - small > 20 * one


def test_nan_is_refused_with_the_tensor_and_the_frame(tmp_path):
    net = Net()
    net.op("Relu", net.op("Log", "image", name="logarithm"), name="out")
    graph = read_quantisable(net.save(tmp_path / "net.onnx", {"out": [1, 1, 32, 32]}))
    bright = np.ones((1, 1, 32, 32), np.float32)
    with pytest.raises(CalibrationError, match="logarithm is NaN or infinite on image 1"):
        collect(graph, ["logarithm"], ArrayFeed(bright, -bright), SMALL)
