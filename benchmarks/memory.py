"""``python -m benchmarks memory``: collecting ranges takes the same memory for any run."""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from calibration.collect import collect
from calibration.placement import place
from calibration.quantisable import read_quantisable
from sdk.model_folder import ModelFolder
from sdk.tensors import Tensors

MOST_GROWTH = 1.05


class _Noise:
    """Frames that are made when they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def fill(self, index: int, inputs: Tensors) -> str:
        for tensor in inputs.values():
            tensor[...] = np.random.default_rng(index).random(tensor.shape, np.float32)
        return f"frame {index}"


def main(arguments: Sequence[str]) -> None:
    """Collects the ranges of few and of many frames, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    option = parser.add_argument
    option("--model", type=Path, default=Path("models/angiogram_quality"))
    option("--frames", type=int, nargs="+", default=[20, 200, 2000], help="[%(default)s]")
    option("--quick", action="store_true", help="4 and 40 frames")
    option("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.model, asked.frames[0])))
        return
    peaks = []
    print("| frames | peak MiB | seconds |\n|---:|---:|---:|", flush=True)
    for count in [4, 40] if asked.quick else asked.frames:
        found = _apart(asked.model, count)
        peaks.append(found["peak_mib"])
        print(f"| {count} | {found['peak_mib']:.0f} | {found['seconds']:.0f} |", flush=True)
    growth = max(peaks) / peaks[0]
    print(f"\nthe largest is {growth:.3f} times the first, expected at most {MOST_GROWTH}")
    if growth > MOST_GROWTH:
        sys.exit(1)


def measure(model: Path, frames: int) -> dict[str, float]:
    """Peak memory of this process and seconds, after the ranges of so many frames."""
    graph, start = read_quantisable(ModelFolder.open(model).graph("fp32")), perf_counter()
    collect(graph, place(graph).cpu.pairs, _Noise(frames))
    return {
        "seconds": perf_counter() - start,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _apart(model: Path, frames: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks", "memory", "--one"]
    done = subprocess.run(  # noqa: S603  this very file
        [*command, "--model", str(model.resolve()), "--frames", str(frames)],
        cwd=Path(__file__).parents[1],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
