"""A model folder whose networks are simple rules on volumes, and volumes for it."""

import dataclasses
from pathlib import Path

import networks
import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

import sdk
from sdk.golden import Golden, pack_golden
from sdk.model_folder import Manifest, ModelFolder, write_folder

TILE, PATCH = 32, (8, 16, 16)
OPTIONS = {
    "tile": [TILE] * 3,
    "halo": 8,
    "slices": 47,
    "patch": list(PATCH),
    "anchors": [10.0],
    "threshold": 0.5,
}
TWINS = {
    "detector.fp32": "detector.fp32.onnx",
    "detector.twin": "detector.fp32.onnx",
    "regions.fp32": "regions.fp32.onnx",
}
"""Graphs of a folder in which the detector has two, which are the same."""


def conv(name, source, weights, bias, strides):
    names = [f"{name}_weights", f"{name}_bias"]
    node = helper.make_node(
        "Conv", [source, *names], [name], kernel_shape=weights.shape[2:], strides=strides
    )
    arrays = [weights.astype(np.float32), np.asarray(bias, np.float32)]
    return node, [numpy_helper.from_array(a, n) for a, n in zip(arrays, names, strict=True)]


def detector(path: Path) -> Path:
    """A cell is a bleed where the mean phase of its 64 voxels is clearly positive."""
    weights = np.zeros((1, 2, 4, 4, 4))
    weights[0, 1] = 60 / 64
    logits, first = conv("logits", "tile", weights, [-32.0], [4, 4, 4])
    offsets, second = conv("offsets", "tile", np.zeros((4, 2, 4, 4, 4)), np.zeros(4), [4, 4, 4])
    grid = [TILE // 4] * 3
    outputs = [networks.tensor("logits", [1, 1, *grid]), networks.tensor("offsets", [1, 4, *grid])]
    inputs = [networks.tensor("tile", [1, 2, TILE, TILE, TILE])]
    return networks.save(path, [logits, offsets], inputs, outputs, first + second)


def regions(path: Path) -> Path:
    """Right of the middle is lobar, left is deep, dark is background."""
    weights = np.zeros((4, 5, 1, 1, 1))
    weights[0, 0], weights[1, 4], weights[2, 4] = -100.0, -1.0, 1.0
    node, arrays = conv("regions", "patch", weights, [5.0, 0.0, 0.0, -10.0], [1, 1, 1])
    outputs = [networks.tensor("regions", [1, 4, *PATCH])]
    return networks.save(path, [node], [networks.tensor("patch", [1, 5, *PATCH])], outputs, arrays)


def microbleed_folder(path: Path, builders=None, **changes) -> ModelFolder:
    path.mkdir(parents=True, exist_ok=True)
    files, pairs = {}, []
    for name, build in (builders or {"detector": detector, "regions": regions}).items():
        graph = build(path / "network.onnx")
        files[f"{name}.fp32.onnx"] = graph.read_bytes()
        graph.unlink()
        session = onnxruntime.InferenceSession(files[f"{name}.fp32.onnx"])
        tensor = session.get_inputs()[0]
        image = np.random.default_rng(0).random(tensor.shape, np.float32)
        outputs = session.run(None, {tensor.name: image})
        names = [output.name for output in session.get_outputs()]
        pairs.append(({tensor.name: image}, dict(zip(names, outputs, strict=True))))
    manifest = {
        "task": "microbleed_detection",
        "options": OPTIONS,
        "graphs": {"detector.fp32": "detector.fp32.onnx", "regions.fp32": "regions.fp32.onnx"},
        "golden": Golden(),
    }
    files["golden.npz"] = pack_golden(pairs)
    return write_folder(path, Manifest(**(manifest | changes)), files)


SHAPE, SPACING = (24, 80, 72), (2.0, 1.0, 1.0)


def head(*lesions, brain=None) -> sdk.Volume:
    """A bright box of brain; (slice, row, column) lesions are balls of 3 mm with phase pi."""
    swi = np.zeros(SHAPE, np.float32)
    swi[2:-2, 8:-8, 8:-8] = 100.0
    swi[2:-2, 8:-8, 8:-8] += np.random.default_rng(0).normal(0, 3, swi[2:-2, 8:-8, 8:-8].shape)
    phase = np.zeros(SHAPE, np.float32)
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    for lesion in lesions:
        axes = zip((z, y, x), lesion, SPACING, strict=True)
        square = sum(((axis - centre) * mm) ** 2 for axis, centre, mm in axes)
        phase[square <= 9.0] = 3.0
    volume = sdk.Volume.of_spacing(swi, SPACING, phase=phase)
    if brain is None:
        brain = swi > 50
    return sdk.Volume(
        voxels=swi, to_patient=volume.to_patient, phase=phase, brain=brain.astype(np.uint8)
    )


def answer_of(volume, *bleeds, dropped=(), phase=True) -> sdk.MicrobleedAnswer:
    """An answer with (voxel, region) bleeds of 4 mm, and (voxel, reason) dropped candidates."""
    volume = volume if phase else dataclasses.replace(volume, phase=None)

    def place(voxel, region, number):
        return sdk.Microbleed(
            voxel=voxel,
            centre_mm=tuple(np.multiply(voxel, volume.spacing_mm).tolist()),
            patient_mm=tuple(volume.to_patient_mm(voxel).tolist()),
            diameter_mm=4.0,
            score=0.9 - 0.1 * number,
            region=region,
            overlap=None if region is sdk.Region.NONE else 1.0,
        )

    return sdk.MicrobleedAnswer(
        volume=volume,
        window=(0.0, 120.0),
        brain_box=((2, 8, 8), (21, 71, 63)),
        microbleeds=tuple(place(*bleed, number) for number, bleed in enumerate(bleeds)),
        dropped=tuple(
            sdk.DroppedCandidate(candidate=place(voxel, sdk.Region.NONE, 5), reason=reason)
            for voxel, reason in dropped
        ),
        tiles=9,
        tiles_skipped=3,
    )


def _layer(name, source, weights, bias, strides=(1, 1, 1)):
    node, arrays = conv(name, source, weights, bias, strides)
    return [node, helper.make_node("Relu", [name], [f"{name}_relu"])], arrays, f"{name}_relu"


def deep_detector(path: Path) -> Path:
    """The same rule as `detector`, with a layer between that computes in INT8."""
    random = np.random.default_rng(0)
    weights = np.zeros((16, 2, 4, 4, 4))
    weights[:, 1] = random.uniform(0.5, 1.5, (16, 1, 1, 1)) / 64
    nodes, arrays, tensor = _layer("first", "tile", weights, np.full(16, -0.25), [4, 4, 4])
    middle = np.eye(16).reshape(16, 16, 1, 1, 1) + random.normal(0, 0.01, (16, 16, 1, 1, 1))
    more, others, tensor = _layer("middle", tensor, middle, np.zeros(16))
    nodes, arrays = nodes + more, arrays + others
    heads = np.zeros((1, 16, 1, 1, 1)), np.zeros((4, 16, 1, 1, 1))
    heads[0][:] = 60 / 16
    for name, weights, bias in zip(
        ("logits", "offsets"), heads, ([-17.0], np.zeros(4)), strict=True
    ):
        node, own = conv(name, tensor, weights, bias, [1, 1, 1])
        nodes, arrays = [*nodes, node], arrays + own
    grid = [TILE // 4] * 3
    outputs = [networks.tensor("logits", [1, 1, *grid]), networks.tensor("offsets", [1, 4, *grid])]
    inputs = [networks.tensor("tile", [1, 2, TILE, TILE, TILE])]
    return networks.save(path, nodes, inputs, outputs, arrays)


def deep_regions(path: Path) -> Path:
    """The same rule as `regions`, with a layer between that computes in INT8."""
    random = np.random.default_rng(1)
    weights = np.zeros((16, 5, 1, 1, 1))
    weights[::2, 4], weights[1::2, 4] = 1.0, -1.0
    weights[:2, 4], weights[:2, 0] = 0.0, 1.0
    nodes, arrays, tensor = _layer("first", "patch", weights, np.zeros(16))
    middle = np.eye(16).reshape(16, 16, 1, 1, 1) + random.normal(0, 0.01, (16, 16, 1, 1, 1))
    more, others, tensor = _layer("middle", tensor, middle, np.zeros(16))
    head = np.zeros((4, 16, 1, 1, 1))
    head[0, :2], head[1, 3::2], head[2, 2::2] = -50.0, 1.0, 1.0
    node, own = conv("regions", tensor, head, [5.0, 0.0, 0.0, -10.0], [1, 1, 1])
    outputs = [networks.tensor("regions", [1, 4, *PATCH])]
    inputs = [networks.tensor("patch", [1, 5, *PATCH])]
    return networks.save(path, [*nodes, *more, node], inputs, outputs, arrays + others + own)


DEEP = {"detector": deep_detector, "regions": deep_regions}
