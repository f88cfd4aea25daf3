"""From a model folder and frames to quantised graphs, their ranges and what was measured."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from calibration.agreement import Measured
from calibration.candidate import FEWER, FORMS, TRIAL_FRAMES, Candidate
from calibration.collect import largest_magnitudes
from calibration.examples import Example, draw_examples
from calibration.folder import GRAPHS, RANGES, Quantised
from calibration.forms import compare_typed, not_asked_for, typed_forms
from calibration.frames import Selection
from calibration.gate import compare
from calibration.golden import Limits, golden_limits
from calibration.network import Network, collecting, make_candidates
from calibration.options import Options
from calibration.outcome import Outcome
from calibration.page import write_report
from calibration.play import Player
from calibration.progress import Track
from calibration.ranges import dump_ranges
from calibration.report import Account, Looked, decided
from calibration.selecting import select_both, shelf_of
from calibration.volumes.pipeline import quantise_volumes
from sdk.backends import open_backend
from sdk.model_folder import ModelFolder, sha256_of
from sdk.tasks.microbleed_detection import MicrobleedDetection

FRAME_TOLERANCES = ("min_dice", "min_same_grade")


def quantise(
    folder: ModelFolder, frames: Sequence[Path], options: Options, track: Track
) -> Outcome:
    """Collects ranges, makes every form and compares it with FP32; writes nothing.

    Raises:
        CalibrationError: the network cannot be quantised, or not with these frames.
    """
    if folder.manifest.task == MicrobleedDetection.name:
        return quantise_volumes(folder, frames, options, track)
    seen, held_out = select_both(folder, frames, options, track)
    with closing(seen), closing(held_out):
        return _quantise(folder, (seen, held_out), options, track)


def _quantise(
    folder: ModelFolder, selections: tuple[Selection, Selection], options: Options, track: Track
) -> Outcome:
    seen, held_out = selections
    shelf = shelf_of(folder, seen, options.resume) if options.resume else None
    path, states = folder.graph("fp32"), seen.task.states
    network = Network(path=path, frames=seen, states=states, shelf=shelf)
    candidate, fewer, recovery = make_candidates(network, options, track)
    graphs = {precision: candidate.write(precision) for precision in FORMS}
    signed = {"int8": graphs["int8"]} | ({FEWER: fewer.write("int8")} if fewer else {})
    graphs |= signed
    agreements, golden, examples = _compare(folder, graphs, held_out, options, track)
    typed, typing = _typed(network, candidate, signed, options)
    more = compare_typed(folder, network.path, typed, held_out, options.threads)
    graphs, agreements, golden = graphs | typed, agreements | more[0], golden | more[1]
    account = Account(
        seen=Looked.at(seen),
        held_out=Looked.at(held_out),
        agreements=agreements,
        tolerance=options.tolerance,
        asked=FRAME_TOLERANCES,
        ranges=options.ranges or network.ranges,
        x86=options.x86,
    )
    origin = account.origin()
    report = origin | decided(candidate) | account.lists() | typing | {"recovery": recovery}
    files = {GRAPHS[precision]: content for precision, content in graphs.items()}
    files[RANGES] = dump_ranges(candidate.ranges, seen.sha256, sha256_of(network.path))
    files |= write_report(folder.manifest.task, report, candidate.histograms, examples)
    names = {precision: GRAPHS[precision] for precision in graphs}
    return Outcome(
        quantised=Quantised(files=files, graphs=names, golden=golden, origin=origin),
        ranges=candidate.ranges,
        agreements=agreements,
        shortfalls=account.shortfalls,
        recovery=recovery,
        refused=(*seen.refused, *held_out.refused),
        int8_shares={"": candidate.int8_share},
    )


def _typed(
    network: Network, candidate: Candidate, signed: Mapping[str, bytes], options: Options
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The typed forms that were asked for, and what the report says of them."""
    if not options.typed:
        return {}, not_asked_for(signed)
    return typed_forms(candidate.graph, signed, _reached(network, candidate, options))


def _reached(network: Network, candidate: Candidate, options: Options) -> dict[str, float]:
    """Largest magnitude of every float activation, on a few frames."""
    few = network.frames.first(TRIAL_FRAMES)
    return largest_magnitudes(candidate.graph, few, collecting(network, options))


def _compare(
    folder: ModelFolder,
    graphs: Mapping[str, bytes],
    held_out: Selection,
    options: Options,
    track: Track,
) -> tuple[dict[tuple[str, str], Measured], dict[str, Limits], list[Example]]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = {"fp32": folder.graph("fp32")}
        for precision, content in graphs.items():
            paths[precision] = place / GRAPHS[precision]
            paths[precision].write_bytes(content)
        backends = {
            precision: stack.enter_context(closing(open_backend(path, threads=options.threads)))
            for precision, path in paths.items()
        }
        players = {name: Player(backend, held_out) for name, backend in backends.items()}
        golden = {name: golden_limits(folder, backends[name]) for name in graphs}
        agreements = compare(players, held_out, track)
        return agreements, golden, draw_examples(players, held_out, agreements, options.examples)
