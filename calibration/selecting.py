"""Which frames give the ranges, and which are only compared on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.errors import CalibrationError
from calibration.frames import Selection, pick_frames, select, split
from calibration.options import FRAMES, Options
from calibration.progress import Track
from calibration.sequences import Sequences, pick_runs, split_runs
from sdk.errors import AngioEdgeError
from sdk.model_folder import ModelFolder
from sdk.runs import Run, open_runs
from sdk.tasks import make_task


def select_both(
    folder: ModelFolder, frames: Sequence[Path], options: Options, track: Track
) -> tuple[Selection, Selection]:
    """Frames for the ranges and held-out frames; whole runs where the network follows runs.

    Both are to be closed.

    Raises:
        CalibrationError: there are no frames, too few, or they do not fit the task.
    """
    task, intended = make_task(folder), folder.manifest.intended_input
    runs = open_runs(frames)
    pick = pick_runs if task.states else pick_frames
    count, held_out_count = options.count or FRAMES, options.held_out_count
    if options.held_out:
        others = open_runs(options.held_out)
        _check_apart(runs, others)
        picks, aside = pick(runs, count), pick(others, held_out_count)
    elif task.states:
        others = runs
        picks, aside = split_runs(runs, count, held_out_count)
    else:
        others = runs
        wanted = pick_frames(runs, count + held_out_count)
        picks, aside = split(wanted, min(held_out_count, max(1, len(wanted) // 3)))
    seen = select(runs, picks, task, intended, track)
    held_out = select(others, aside, task, intended, track)
    if not task.states:
        return seen, held_out
    graph, threads = folder.graph("fp32"), options.threads
    return Sequences.of(seen, graph, threads), Sequences.of(held_out, graph, threads)


def _check_apart(runs: Sequence[Run], others: Sequence[Run]) -> None:
    """Refuses held-out runs that are among the others, told by what one frame of each shows."""
    seen = {_mark(run): run.name for run in runs}
    shared = [run.name for run in others if _mark(run) in seen]
    if shared:
        raise CalibrationError(
            f"{len(shared)} held-out runs are among those of --frames, {shared[0]} first; give "
            "runs of other patients"
        )


def _mark(run: Run) -> bytes:
    """Hash of the frame in the middle; of the name where it cannot be read."""
    try:
        pixels = np.ascontiguousarray(run.frames[len(run) // 2].pixels)
    except AngioEdgeError:
        return run.name.encode()
    return hashlib.sha256(f"{len(run)} {pixels.shape}".encode() + pixels.tobytes()).digest()


def shelf_of(folder: ModelFolder, seen: Selection, resume: Path) -> Path:
    """Where histograms are kept of these frames, prepared as this folder says."""
    manifest = folder.manifest
    prepared = json.dumps([seen.sha256, manifest.task, manifest.options], sort_keys=True)
    return resume / hashlib.sha256(prepared.encode()).hexdigest()
