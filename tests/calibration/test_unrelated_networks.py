"""Three networks that are none of ours, through the whole path: ranges, recovery, forms, lint."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from candidates import largest
from small_nets import branched, images, run, separable, shuffled

from calibration.agreement import Agreement, Tolerance
from calibration.candidate import FORMS, Candidate, Source
from calibration.collect import CollectOptions, largest_magnitudes
from calibration.forms import typed_forms
from calibration.graph import read_graph
from calibration.lint import TARGETS, lint
from calibration.lint.rule import Severity
from calibration.placement import place
from calibration.play import Player
from calibration.progress import silent
from calibration.qdq import dequantised_name
from calibration.quantisable import read_quantisable
from calibration.recovery import Remedy, recover
from sdk.backends.onnxruntime import OnnxRuntimeBackend

NETWORKS = {
    "depthwise": (lambda path: separable(path, (64, 64)), (64, 64)),
    "residuals and concatenations": (lambda path: branched(path, (64, 64)), (64, 64)),
    "3-D": (lambda path: shuffled(path, (16, 16, 16)), (16, 16, 16)),
}
COLLECTING = CollectOptions(threads=1)


class Made:
    """A network, quantised; frames that gave its ranges, and others."""

    def __init__(self, folder: Path, name: str) -> None:
        build, size = NETWORKS[name]
        self.same_pixels = 0.98 if name == "depthwise" else 0.998
        self.path = build(folder / "net.onnx")
        self.seen, self.held_out = images(8, size), images(12, size, seed=7)
        source = Source(
            path=self.path, frames=self.seen, choose=largest, collecting=COLLECTING, track=silent
        )
        graph = read_quantisable(self.path)
        remedy = Remedy(tolerance=Tolerance(min_dice=0.97))
        self.candidate, self.told = recover(source.make(graph, place(graph)), source, remedy)
        self.files = {}
        for precision in FORMS:
            self.files[precision] = folder / f"{precision}.onnx"
            self.files[precision].write_bytes(self.candidate.write(precision))

    @property
    def exact(self) -> Candidate:
        """The same with an exact twin."""
        candidate = self.candidate
        wiring = candidate.placement.tensorrt
        return replace(candidate, placement=replace(candidate.placement, cpu=wiring, x86="exact"))

    def agreement(self, one: Path, other: Path, *, fuse_pairs: bool = False) -> Agreement:
        """Of two graphs on frames that gave no range; pairs as they stand, whatever the machine."""
        found = Agreement()
        backends = [OnnxRuntimeBackend(p, threads=1, fuse_pairs=fuse_pairs) for p in (one, other)]
        with closing(backends[0]), closing(backends[1]):
            players = [Player(backend, self.held_out) for backend in backends]
            for index in range(len(self.held_out)):
                found.add(*(player.answer(index) for player in players))
        return found


@pytest.fixture(scope="module", params=NETWORKS)
def made(request, tmp_path_factory):
    return Made(tmp_path_factory.mktemp("made"), request.param)


def test_something_becomes_int8_and_everything_has_its_reason(made):
    decisions = made.candidate.placement.decisions
    assert sum(item.int8 for item in decisions if item.op == "Conv") >= 2
    assert all(item.reason for item in decisions)


@pytest.mark.parametrize("precision", FORMS)
def test_it_answers_as_fp32_on_frames_that_gave_no_range(made, precision):
    assert made.agreement(made.path, made.files[precision]).summary()["dice_mean"] >= 0.95


def test_an_exact_twin_rounds_as_the_form_for_devices_does(made):
    """Pairs as they stand: next to no value is another, and none by more than one step."""
    exact, pairs = made.exact, made.exact.placement.tensorrt.pairs
    signed, unsigned = (exact.write(precision) for precision in FORMS)
    for index in range(len(made.held_out)):
        names = list(map(dequantised_name, pairs))
        expected, got = (run(g, made.held_out, index, names) for g in (signed, unsigned))
        for tensor, name in zip(pairs, names, strict=True):
            apart = np.abs(got[name] - expected[name])
            assert apart.max() <= 1.001 * exact.ranges[tensor].limit / 127, tensor
            assert np.mean(apart > 0) <= 1e-3, tensor


def test_in_the_integers_of_a_session_an_exact_twin_keeps_the_masks(made):
    """Products are rounded in another order there."""
    paths = []
    for precision in FORMS:
        paths.append(made.path.with_name(f"exact.{precision}.onnx"))
        paths[-1].write_bytes(made.exact.write(precision))
    found = made.agreement(*paths, fuse_pairs=True)
    assert found.pixels >= 40_000
    assert found.summary()["same_pixels"] >= 0.9999


def test_what_the_cpu_rounds_once_more_moves_few_pixels(made):
    """Behind INT8 operations, where ONNX Runtime needs pairs of its own: logits near 0 change."""
    found = made.agreement(made.files["int8"], made.files["int8.cpu"])
    assert found.pixels >= 40_000
    assert found.summary()["same_pixels"] >= made.same_pixels


@pytest.mark.parametrize("target", ["tensorrt-8.6", "tensorrt-10.3", "tensorrt-11.4"])
def test_no_target_refuses_what_is_written(made, target):
    findings = lint(read_graph(made.files["int8"]), TARGETS[target])
    assert not [finding for finding in findings if finding.rule.severity is Severity.ERROR]


def test_the_typed_forms_are_made(made):
    signed = {"int8": made.files["int8"].read_bytes()}
    reached = largest_magnitudes(made.candidate.graph, made.seen, COLLECTING)
    graphs, said = typed_forms(made.candidate.graph, signed, reached)
    assert set(graphs) == {"fp16", "int8.fp16"}
    assert said["forms_left_out"] == {}
