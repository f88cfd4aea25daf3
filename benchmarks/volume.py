"""``python -m benchmarks volume``: a volume beside the script usually written, time and memory."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.volume_case import CASES, make
from sdk.machine import cores, processor

STAGES = ("open", "prepare", "detect", "localise")
NAMES = {"ours": "sdk.VolumeSession", "script": "torch + MONAI + NumPy script"}
SAME_WITHIN = 1.0
"""Voxels by which a bleed that both found may differ."""


def main(arguments: Sequence[str]) -> None:
    """Answers one volume in both ways, in turns and processes of their own, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks volume", description=__doc__)
    option = parser.add_argument
    option("--case", choices=CASES, default="full", help="[%(default)s]")
    option("--rounds", type=int, default=1, help="of both ways in turns [%(default)s]")
    option("--only", choices=NAMES, help="leave the other way out")
    option("--json", type=Path, default=Path("out/volume.json"))
    asked = parser.parse_args(arguments)
    ways = [asked.only] if asked.only else list(NAMES)
    if "script" in ways and find_spec("monai") is None:
        sys.exit("the script needs MONAI: pip install 'angioedge[bench]', or --only ours")
    with tempfile.TemporaryDirectory() as place:
        make(CASES[asked.case], Path(place))
        turns = [way for _ in range(asked.rounds) for way in ways]
        bar = track(turns, "answering a volume", console=Console(stderr=True))
        runs = [(way, _apart(way, asked.case, place)) for way in bar]
    lines = {way: summary([run for name, run in runs if name == way]) for way in ways}
    case = CASES[asked.case]
    told = (
        f"{processor()}, {cores()} cores; {' x '.join(map(str, case.shape))} voxels, interpolated "
        f"to {case.slices} slices, untrained networks, {asked.rounds} rounds"
    )
    print(told, table(lines), agreement(lines), sep="\n\n")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": told, "lines": lines}
    asked.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Median seconds and largest peaks of each stage, and the bleeds of the first run."""
    return {
        "seconds": {stage: median(run["seconds"][stage] for run in runs) for stage in STAGES},
        "peak_mib": {stage: max(run["peak_mib"][stage] for run in runs) for stage in STAGES},
        "bleeds": runs[0]["bleeds"],
    }


def table(lines: Mapping[str, Mapping[str, Any]]) -> str:
    """Seconds and peak memory beside the volume itself, as Markdown."""
    rows = ["| | " + " | ".join(f"{stage}, s | MiB" for stage in STAGES) + " | all, s | peak MiB |"]
    rows.append("|---" + "|---:" * (2 * len(STAGES) + 2) + "|")
    for way, line in lines.items():
        cells = [NAMES[way]]
        for stage in STAGES:
            cells += [f"{line['seconds'][stage]:.1f}", f"{line['peak_mib'][stage]:.0f}"]
        cells.append(f"{sum(line['seconds'].values()):.1f}")
        cells.append(f"{max(line['peak_mib'].values()):.0f}")
        rows.append(f"| {' | '.join(cells)} |")
    rows.append("\nMiB: peak of the process in a stage, less what it held with the volume alone.")
    return "\n".join(rows)


def agreement(lines: Mapping[str, Mapping[str, Any]]) -> str:
    """How many bleeds both ways found, and named alike."""
    if len(lines) < len(NAMES):
        return ""
    one, other = (np.array(lines[way]["bleeds"]).reshape(-1, 4) for way in NAMES)
    both = alike = 0
    for *centre, region in one:
        apart = np.abs(other[:, :3] - centre).max(axis=1, initial=0.0)
        near = apart <= SAME_WITHIN if len(other) else apart
        both += bool(near.any())
        alike += bool(near.any()) and bool((other[near, 3] == region).any())
    return (
        f"{len(one)} found by ours, {len(other)} by the script, {both} by both, {alike} of them in "
        "the same region; where windows overlap the script averages, ours takes the tile whose "
        "core holds the place"
    )


def _apart(way: str, case: str, place: str) -> dict[str, Any]:
    root = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(  # noqa: S603  our own worker
        [sys.executable, "-m", "benchmarks.volume_worker", way, case, place],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{way} failed on the {case} case:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
