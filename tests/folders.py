"""Small model folders for tests."""

from dataclasses import replace
from pathlib import Path

import networks
import numpy as np
import onnxruntime

from sdk.golden import Golden, pack_golden
from sdk.model_folder import Manifest, ModelFolder, write_folder

SIDE = 64
STATES = ["highest", "frames"]


def quality_folder(path: Path, **changes) -> ModelFolder:
    """A model folder of the stand-in for the quality network, with golden vectors."""
    path.mkdir(parents=True, exist_ok=True)
    graph = networks.quality(path / "network.onnx", (SIDE, SIDE))
    content = graph.read_bytes()
    graph.unlink()
    image = np.random.default_rng(0).random((1, 1, SIDE, SIDE), np.float32)
    session = onnxruntime.InferenceSession(content)
    outputs = session.run(None, {"frame": image})
    names = [output.name for output in session.get_outputs()]
    golden = pack_golden([({"frame": image}, dict(zip(names, outputs, strict=True)))])
    manifest = {
        "task": "angiogram_quality",
        "options": {"size": [SIDE, SIDE], "min_tree_fraction": 0.0},
        "graphs": {"fp32": "graph.fp32.onnx"},
        "golden": Golden(),
    }
    files = {"graph.fp32.onnx": content, "golden.npz": golden}
    return write_folder(path, Manifest(**(manifest | changes)), files)


def twin_folder(path: Path, *, certified=True) -> ModelFolder:
    """The same with its graph a second time, as if it were quantised."""
    folder = quality_folder(path)
    files = {name: (path / name).read_bytes() for name in folder.manifest.files}
    manifest = replace(
        folder.manifest,
        graphs={"fp32": "graph.fp32.onnx", "int8": "graph.int8.onnx"},
        origin={"calibration": {"certified": certified}},
    )
    return write_folder(path, manifest, files | {"graph.int8.onnx": files["graph.fp32.onnx"]})


def artery_folder(path: Path, *, forgetful: bool = False) -> ModelFolder:
    """A folder of the stand-in for the streaming network; golden vectors are a run of three.

    Where it is `forgetful`, they were recorded as if every frame were the first of a run.
    """
    path.mkdir(parents=True, exist_ok=True)
    graph = networks.arteries(path / "network.onnx", (SIDE, SIDE))
    content = graph.read_bytes()
    graph.unlink()
    run = np.random.default_rng(1).normal(0, 1, (3, 1, 1, SIDE, SIDE)).astype(np.float32)
    highest = np.maximum(-run if forgetful else np.maximum.accumulate(-run), 0)
    pairs = [
        ({"frame": frame}, {"arteries": high - 1, "filled": -frame - 1})
        for frame, high in zip(run, highest, strict=True)
    ]
    manifest = Manifest(
        task="artery_sequence",
        options={"size": [SIDE, SIDE], "min_tree_fraction": 0.0, "state_names": STATES},
        graphs={"fp32": "graph.fp32.onnx"},
        golden=Golden(),
    )
    return write_folder(
        path, manifest, {"graph.fp32.onnx": content, "golden.npz": pack_golden(pairs)}
    )


def dark_square(side: int = 128, dtype=np.uint16) -> np.ndarray:
    """A bright frame with one dark square of a quarter of the side."""
    pixels = np.full((side, side), 3000 if dtype == np.uint16 else 200, dtype)
    quarter = side // 4
    pixels[quarter : 2 * quarter, quarter : 2 * quarter] = 40
    return pixels
