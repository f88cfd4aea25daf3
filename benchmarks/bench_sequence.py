"""``python -m benchmarks sequence``: what the next frame of a run costs, by step and by recompute.

Four ways to answer after the frame number `--frames` of a DSA run: the session with the streaming
network, a script that gives all frames so far to the bidirectional network of the same shape in
ONNX Runtime, and two scripts in torch, one of each kind. Masks of untrained networks mean nothing
and cost what they cost; the column of the network alone does not depend on weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.sequence_contestants import CONTESTANTS, Setting, bidirectional, streaming
from benchmarks.timing import paired
from sdk.machine import cores, processor
from sdk.model_folder import ModelFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODEL = Path("models/artery_sequence")
SEED = 9_200_000
"""A phantom that no training or test pool holds."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One contestant."""

    name: str
    """What it does."""
    milliseconds: float
    """Median per new frame, from stored pixels to the answer."""
    network_ms: float
    """Median of the network alone."""
    peak_mib: float
    """Peak memory of a process of its own, above what its imports took."""
    giga_macs: float
    """Multiply-accumulates of the network per new frame, in 10^9."""


def main(arguments: Sequence[str]) -> None:
    """Measures all contestants in turns, then the memory of each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sequence", description=__doc__)
    option = parser.add_argument
    option("--size", type=int, default=512, help="side of the frames in pixels [512]")
    option("--frames", type=int, default=8, help="frames of the run so far [8]")
    option("--repeats", type=int, default=11, help="new frames that are timed [11]")
    option("--json", type=Path, default=Path("out/sequence.json"))
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        setting = prepare(Path(folder), asked.size, asked.frames)
        trained = setting.folder == str(MODEL.resolve())
        lines = measure(setting, asked.repeats)
    about = {
        "machine": f"{cores()} cores of {processor()}",
        "network": "the shipped one" if trained else "untrained, of the shape that is shipped",
        "run": f"{asked.frames} frames of {asked.size} x {asked.size}, a phantom",
    }
    report(lines, about)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps({**about, "lines": [asdict(e) for e in lines]}, indent=1))


def prepare(folder: Path, size: int, frames: int) -> Setting:
    """Builds what the contestants read: a run, the streaming model folder, the graph of the whole.

    The model folder is the shipped one where it is there and has this size.
    """
    from training.phantoms.artery_sequence import phantom_sequence

    pixels = phantom_sequence(SEED, size).pixels
    setting = Setting(
        size=size,
        frames=frames,
        folder=str(shipped(size) or _untrained(folder, size)),
        whole=str(folder / "whole.onnx"),
        run=str(folder / "run.npz"),
    )
    later = pixels[1:][np.arange(frames) % (len(pixels) - 1)]
    np.savez(setting.run, mask=pixels[0], pixels=later)
    _export_whole(setting)
    return setting


def shipped(size: int) -> Path | None:
    """The shipped model folder, if its network takes this size."""
    if not (MODEL / "manifest.json").is_file():
        return None
    found = ModelFolder.open(MODEL).manifest.options["size"]
    return MODEL.resolve() if tuple(found) == (size, size) else None


def _untrained(folder: Path, size: int) -> Path:
    import torch

    from export.artery_folder import make_folder
    from training.networks.artery_stream import StreamingVssNet
    from training.recipes.artery_sequence import StreamRecipe
    from training.recipes.checkpoint import save_weights

    torch.manual_seed(0)
    recipe, weights = StreamRecipe(), folder / "weights.safetensors"
    save_weights(weights, StreamingVssNet(recipe.network), {"recipe": asdict(recipe)})
    return make_folder(weights, None, folder / "model", size=size).path


def _export_whole(setting: Setting) -> None:
    import warnings

    import torch

    example = torch.zeros(1, setting.frames, setting.size, setting.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter, which the shipped graph uses too
        torch.onnx.export(
            bidirectional().eval(),
            (example,),
            setting.whole,
            input_names=["sequence"],
            opset_version=17,
            dynamo=False,
        )


def measure(setting: Setting, repeats: int) -> list[Line]:
    """Every contestant, in turns; the memory of each apart."""
    made = {name: make(setting) for name, make in CONTESTANTS.items()}
    ours, *others = made
    first, rest = paired(made[ours], {name: made[name] for name in others}, repeats=repeats)
    macs = cost(setting)
    return [
        Line(
            name=name,
            milliseconds=milliseconds,
            network_ms=float(np.median(made[name].network_ms[-repeats:])),
            peak_mib=_apart(name, setting),
            giga_macs=macs["step" if "step" in name else "whole"],
        )
        for name, milliseconds in {ours: first, **rest}.items()
    ]


def cost(setting: Setting) -> dict[str, float]:
    """10^9 multiply-accumulates of one step, and of all frames again; nothing is computed."""
    import torch

    from training.networks.cost import giga_macs

    with torch.device("meta"):
        step, whole = streaming(), bidirectional()
        frame = torch.zeros(1, 1, setting.size, setting.size)
        sequence = torch.zeros(1, setting.frames, setting.size, setting.size)
        state = step.initial_state(setting.size, setting.size)
    return {
        "step": giga_macs(step.eval().step, frame, state),
        "whole": giga_macs(whole.eval(), sequence),
    }


def _apart(name: str, setting: Setting) -> float:
    command = [sys.executable, "-m", "benchmarks.sequence_contestants", name]
    done = subprocess.run(  # noqa: S603  a file of this project
        [*command, json.dumps(asdict(setting))],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def report(lines: Sequence[Line], about: Mapping[str, str]) -> None:
    """Prints what was measured, and on what."""
    print("; ".join(f"{key}: {value}" for key, value in about.items()), end="\n\n")
    print("| contestant | ms per new frame | network alone, ms | peak MiB | GMAC |")
    print("|---|---:|---:|---:|---:|")
    for line in lines:
        print(
            f"| {line.name} | {line.milliseconds:.1f} | {line.network_ms:.1f} | "
            f"{line.peak_mib:.0f} | {line.giga_macs:.2f} |"
        )
    ours, *others = lines
    for line in others:
        ratio = line.milliseconds / ours.milliseconds
        print(f"\n{line.name}: {ratio:.1f} times the milliseconds of the {ours.name}", end="")
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
