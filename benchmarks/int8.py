"""``python -m benchmarks int8``: our INT8 graphs beside those of others, on the same frames."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.int8_worker import CONTESTANTS
from calibration.agreement import Agreement
from sdk import Frame
from sdk.backends import Backend, open_backend
from sdk.errors import AngioEdgeError, ModelFolderError
from sdk.machine import cores, processor
from sdk.model_folder import ModelFolder
from sdk.session import Session
from sdk.tasks import Task, dice
from sdk.tensors import allocate

WORKER = Path(__file__).with_name("int8_worker.py")
LIBRARIES = {"modelopt": ("onnxruntime", "openvino"), "nncf": ("openvino",),
             "onnxruntime": ("onnxruntime",), "ours": ("onnxruntime", "openvino"),
             "ours for openvino": ("openvino",),
             "certified": ("onnxruntime", "openvino")}  # fmt: skip
"""Contestant -> what its graphs are made for, or run on besides."""
WARM, TIMED = 2, 8
DRAWN = 4
"""Frames of a run for each that is taken of it."""
CALIBRATION_SEED, HELD_OUT_SEED = 500, 600


@dataclass(frozen=True, eq=False, kw_only=True)
class Phantom:
    """A phantom frame and where its vessels are: (rows, columns), 1 inside."""

    frame: Frame
    vessels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table; None where the contestant is absent or failed, see the note.

    Attributes:
        contestant: who quantised; fp32 is the network itself, certified the graph in its folder.
        library: what runs the graph.
        dice: mean Dice of its vessel masks against those of FP32, on held-out frames.
        truth: mean Dice of its masks against the vessels of the phantoms.
        same_grade: share of them with the same grade, None for tasks that do not grade.
        speed: of FP32 on the same library, in inferences of this graph; above 1 it is faster.
        ms: median inference.
        seconds: to calibrate, the contestant's imports included.
        peak_mib: memory of the process that calibrated.
        note: why something is missing, or particular.
    """

    contestant: str
    library: str = ""
    dice: float | None = None
    truth: float | None = None
    same_grade: float | None = None
    speed: float | None = None
    ms: float | None = None
    seconds: float | None = None
    peak_mib: float | None = None
    note: str = ""


def main(arguments: Sequence[str]) -> None:
    """Quantises with every contestant, compares on held-out phantoms, prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks int8", description=__doc__)
    option = parser.add_argument
    option("--model", type=Path, default=Path("models/angiogram_quality"))
    option("--runs", type=int, default=4, help="phantom runs for each of both sets [%(default)s]")
    option("--frames", type=int, default=8, help="with contrast of every run [%(default)s]")
    option("--size", type=int, default=512, help="of the frames [%(default)s]")
    option("--rounds", type=int, default=5, help="in which the graphs are timed [%(default)s]")
    option("--python", nargs="*", default=[], metavar="CONTESTANT=INTERPRETER",
           help="for contestants that need an environment of their own")  # fmt: skip
    option("--json", type=Path, default=Path("out/int8.json"))
    asked = parser.parse_args(arguments)
    folder = ModelFolder.open(asked.model)
    seen, held_out = (
        phantoms(seed, asked.runs, asked.frames, asked.size)
        for seed in (CALIBRATION_SEED, HELD_OUT_SEED)
    )
    interpreters = dict(item.split("=", 1) for item in asked.python)
    with tempfile.TemporaryDirectory() as place:
        frames = [phantom.frame for phantom in seen]
        made = quantise(folder, frames, Path(place), interpreters)
        lines = compare(folder, made, held_out, asked.rounds)
    told = f"{processor()}, {cores()} cores; {len(seen)} frames calibrate, {len(held_out)} compare"
    print(told, table(lines), sep="\n\n")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": told, "lines": [asdict(line) for line in lines]}
    asked.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def phantoms(seed: int, runs: int, frames: int, size: int) -> list[Phantom]:
    """So many frames with contrast of each phantom run; another seed is another set of patients.

    Before the contrast there is no vessel to find, and masks of a few false pixels to compare.
    """
    from training.phantoms.run import RunOptions, phantom_run

    found = []
    for number in track(range(seed, seed + runs), "drawing phantoms"):
        run = phantom_run(number, DRAWN * frames, size, RunOptions(cerebral=number % 2 == 0))
        shown = np.flatnonzero(run.vessels.any(axis=(1, 2)))
        for index in shown[np.linspace(0, len(shown) - 1, frames).astype(int)]:
            pixels = np.ascontiguousarray(run.pixels[index])
            frame = Frame(pixels=pixels, bits_stored=12)
            found.append(Phantom(frame=frame, vessels=run.vessels[index]))
    return found


def quantise(
    folder: ModelFolder, frames: Sequence[Frame], place: Path, interpreters: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What each contestant wrote and took, or ``error``; each in a process of its own."""
    with Session[Any](folder.path, precision="fp32") as session:
        task = session.task
    inputs = allocate(task.inputs)
    (name, tensor), *_ = inputs.items()
    prepared = []
    for frame in frames:
        task.preprocess(frame, inputs)
        prepared.append(tensor.copy())
    np.save(place / "frames.npy", np.stack(prepared))
    made = dict[str, dict[str, Any]]()
    for contestant in track(CONTESTANTS, "quantising"):
        out, graph = place / contestant, place / f"{contestant}.fp32.onnx"
        shutil.copyfile(folder.graph("fp32"), graph)  # one of them writes into what it is given
        command = [interpreters.get(contestant, sys.executable), str(WORKER), contestant,
                   str(graph), name, str(place / "frames.npy"), str(out)]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": str(WORKER.parents[1])}
        done = subprocess.run(  # noqa: S603  our own worker
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            absent = said.startswith(("ModuleNotFoundError", "ImportError"))
            made[contestant] = {"error": f"absent: {said}" if absent else f"failed: {said}"}
        else:
            made[contestant] = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
            made[contestant]["graph"] = place / made[contestant]["graph"]
    return made


def compare(
    folder: ModelFolder,
    made: Mapping[str, dict[str, Any]],
    held_out: Sequence[Phantom],
    rounds: int,
) -> list[Line]:
    """The lines of the table: FP32, then every contestant on every library for its graph."""
    fp32 = folder.graph("fp32")
    graphs = {("fp32", library): fp32 for library in ("onnxruntime", "openvino")}
    if "int8.cpu" in folder.manifest.graphs:
        shipped = folder.graph("int8.cpu")
        graphs |= {("certified", library): shipped for library in LIBRARIES["certified"]}
    for contestant, found in made.items():
        if "graph" in found:
            graphs |= {(contestant, name): found["graph"] for name in LIBRARIES[contestant]}
    with Session[Any](folder.path, precision="fp32", backend="onnxruntime") as session:
        expected = [session(phantom.frame).require() for phantom in held_out]
        task = session.task
    lines = []
    for (contestant, library), graph in track(graphs.items(), "comparing"):
        costs = {key: made.get(contestant, {}).get(key) for key in ("seconds", "peak_mib")}
        found = _agreement(task, (graph, library), held_out, expected)
        lines.append(Line(contestant=contestant, library=library, **costs, **found))
    lines += [
        Line(contestant=contestant, note=found["error"])
        for contestant, found in made.items()
        if "error" in found
    ]
    ms = _timed({key: graphs[key] for key in graphs if _ran(key, lines)}, rounds)
    return [_with_time(line, ms) for line in lines]


def _with_time(line: Line, ms: Mapping[tuple[str, str], float]) -> Line:
    own, fp32 = ms.get((line.contestant, line.library)), ms.get(("fp32", line.library))
    return replace(line, ms=own, speed=fp32 / own if own and fp32 else None)


def _ran(key: tuple[str, str], lines: Sequence[Line]) -> bool:
    return any((line.contestant, line.library) == key and line.dice is not None for line in lines)


def _agreement(
    task: Task[Any], graph: tuple[Path, str], held_out: Sequence[Phantom], expected: Sequence[Any]
) -> dict[str, Any]:
    """Dice and same grades, or a note that says why there are none."""
    agreement, truth = Agreement(), []
    try:
        exact, backend = open_graph(*graph)
        with closing(backend):
            for phantom, answer in zip(held_out, expected, strict=True):
                task.preprocess(phantom.frame, backend.inputs)
                backend.run()
                got = task.postprocess(backend.outputs, phantom.frame)
                agreement.add(answer, got)
                truth.append(dice(phantom.vessels, getattr(got, "vessels", got).mask))
    except AngioEdgeError as error:
        return {"note": " ".join(str(error).split())[:200]}
    summary = agreement.summary()
    return {
        "dice": summary["dice_mean"],
        "truth": float(np.mean(truth)),
        "same_grade": summary.get("same_grade"),
        "note": "" if exact else "sums saturate: it does not load with exact ones",
    }


def _timed(graphs: Mapping[tuple[str, str], Path], rounds: int) -> dict[tuple[str, str], float]:
    """Median milliseconds of an inference; the graphs take turns, one open at a time."""
    times: dict[tuple[str, str], list[float]] = {key: [] for key in graphs}
    for number in range(1, rounds + 1):
        for (contestant, library), graph in track(graphs.items(), f"round {number} of {rounds}"):
            with closing(open_graph(graph, library)[1]) as backend:
                for turn in range(WARM + TIMED):
                    start = perf_counter()
                    backend.run()
                    if turn >= WARM:
                        times[contestant, library].append((perf_counter() - start) * 1e3)
    return {key: median(measured) for key, measured in times.items()}


def open_graph(graph: Path, library: str) -> tuple[bool, Backend]:
    """A graph on a library, and whether its sums are exact; NNCF's format only OpenVINO reads."""
    if graph.suffix == ".xml":
        from sdk.backends.openvino import OpenVinoBackend

        return True, OpenVinoBackend(graph)
    try:
        return True, open_backend(graph, library=library)
    except ModelFolderError:
        if library != "onnxruntime":
            raise
        from sdk.backends.onnxruntime import OnnxRuntimeBackend

        return False, OnnxRuntimeBackend(graph, exact_sums=False)


def table(lines: Sequence[Line]) -> str:
    """The lines as Markdown."""
    heads = ("quantised by", "runs on", "FP32 / INT8 time", "same grade", "Dice to FP32",
             "Dice to truth", "ms", "calibrates in s", "peak MiB", "note")  # fmt: skip
    rows = [f"| {' | '.join(heads)} |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---|"]
    for line in lines:
        numbers = (
            (line.speed, ".2f"),
            (line.same_grade, ".1%"),
            (line.dice, ".4f"),
            (line.truth, ".4f"),
            (line.ms, ".1f"),
            (line.seconds, ".1f"),
            (line.peak_mib, ".0f"),
        )
        cells = ["-" if value is None else format(value, form) for value, form in numbers]
        rows.append(f"| {' | '.join([line.contestant, line.library, *cells, line.note])} |")
    return "\n".join(rows)
