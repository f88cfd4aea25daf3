"""One way through a volume in a process of its own, with seconds and peak memory of each stage."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.volume_case import CASES, MODEL, Case, load
from sdk import VolumeOptions, VolumeSession
from sdk.machine import cores

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Watch:
    """Seconds, and peak memory beyond that of the beginning, of stages that follow each other.

    Linux counts the peak of a process; it can be set back.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak_mib: dict[str, float] = {}
        self._before = _kib("VmRSS")
        self._start = self._begin()

    def done(self, stage: str) -> None:
        """A stage ends, another begins."""
        self.seconds[stage] = perf_counter() - self._start
        self.peak_mib[stage] = (_kib("VmHWM") - self._before) / 1024
        self._start = self._begin()

    def _begin(self) -> float:
        CLEAR.write_text("5")
        return perf_counter()


def ours(case: Case, place: Path) -> tuple[Watch, list[list[float]]]:
    """The session: centres in voxels with region, best first."""
    import onnxruntime  # noqa: F401  the libraries of neither way count

    volume, last = case.head(), ""
    watch = Watch()
    with VolumeSession(place / MODEL, threads=cores()) as session:
        watch.done("open")

        def progress(stage: str, _done: int, _steps: int) -> None:
            nonlocal last
            if stage != last:
                watch.done(last or "prepare")
            last = stage

        answer = session(volume, VolumeOptions(progress=progress)).require()
        watch.done("localise")
    return watch, [[*bleed.voxel, float(bleed.region)] for bleed in answer.microbleeds]


def script(case: Case, place: Path) -> tuple[Watch, list[list[float]]]:
    """The same by `benchmarks.volume_script`."""
    import torch

    from benchmarks import volume_script

    torch.set_num_threads(cores())
    volume = case.head()
    watch = Watch()
    detector, regions = load(place)
    watch.done("open")
    image, fine = volume_script.prepare(volume, case)
    watch.done("prepare")
    found = volume_script.detect(fine, detector, volume, case)
    watch.done("detect")
    named = volume_script.localise(image, found, regions, volume, case)
    watch.done("localise")
    return watch, [[*row[:3], float(region)] for row, region in zip(found, named, strict=True)]


WAYS = {"ours": ours, "script": script}


def measure(way: str, case: str, place: Path) -> dict[str, Any]:
    """What one way takes and finds."""
    watch, bleeds = WAYS[way](CASES[case], place)
    rounded = np.round(np.array(bleeds).reshape(-1, 4), 3).tolist()
    return {"seconds": watch.seconds, "peak_mib": watch.peak_mib, "bleeds": rounded}


def _kib(field: str) -> int:
    line = next(row for row in STATUS.read_text().splitlines() if row.startswith(f"{field}:"))
    return int(line.split()[1])


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
