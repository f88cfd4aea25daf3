"""From a folder that answers volumes and subjects to quantised graphs and their thresholds."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from calibration.agreement import Measured
from calibration.candidate import FEWER, FORMS, TRIAL_FRAMES, Candidate
from calibration.collect import largest_magnitudes
from calibration.errors import CalibrationError
from calibration.folder import NETWORKS, RANGES, Quantised
from calibration.forms import compare_typed, not_asked_for, typed_forms
from calibration.frames import Selection, evenly
from calibration.golden import Limits, golden_limits, limited
from calibration.network import Network, collecting, make_candidates
from calibration.options import TILES, Choice, Options
from calibration.outcome import Outcome
from calibration.page import write_report
from calibration.progress import Track
from calibration.quantisable import read_quantisable
from calibration.ranges import dump_ranges
from calibration.report import Account, Looked
from calibration.volumes.agreement import LesionAgreement
from calibration.volumes.findings import Finding, Study, lowered, tuned_threshold
from calibration.volumes.inputs import StoredInputs
from calibration.volumes.pick import Larder
from calibration.volumes.report import histograms_of, looked_at, parts, ranges_of
from calibration.volumes.subjects import (
    Subject,
    check_positives,
    open_subjects,
)
from sdk.backends import open_backend
from sdk.model_folder import ModelFolder, sha256_of, write_folder
from sdk.tasks.microbleed_detection import MicrobleedDetection

TOLERANCES = ("max_lost_sensitivity", "max_more_false_positives", "min_same_region")
RANGES_OF: dict[str, Choice] = {"detector": "minmax", "regions": "best"}
"""Unless asked: a bleed is a tail of every histogram, and what clips tails removes it."""
GROUP_BYTES = 512 << 20
"""Activations of a tile are large, and every group costs two more passes over the tiles."""
TYPED_INPUTS = 4
"""Tiles and patches on which the typed forms are compared: a CPU emulates halves slowly."""
HELD_OUT_SHARE = 1 / 3


@dataclass(eq=False, kw_only=True)
class _Work:
    """What calibration of one folder carries along."""

    folder: ModelFolder
    options: Options
    track: Track
    place: Path
    deployed: float
    files: dict[str, bytes] = field(default_factory=dict)
    graphs: dict[str, str] = field(default_factory=dict)
    golden: dict[str, Limits] = field(default_factory=dict)
    agreements: dict[tuple[str, str], Measured] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    candidates: dict[str, Candidate] = field(default_factory=dict)
    recovery: list[dict[str, Any]] = field(default_factory=list)
    typing: dict[str, dict[str, Any]] = field(default_factory=dict)

    def study(self, subjects: Sequence[Subject]) -> Study:
        return Study(subjects=subjects, threads=self.options.threads, track=self.track)

    def larder(self, name: str, subjects: Sequence[Subject], found: list[Finding]) -> Larder:
        return Larder(
            folder=self.place / name,
            task=MicrobleedDetection(**self.folder.manifest.options),
            subjects=subjects,
            findings=found,
            track=self.track,
        )

    def add(self, network: str, precision: str, content: bytes) -> None:
        name = f"{network}.{precision}.onnx"
        self.files[name] = content
        self.graphs[f"{network}.{precision}"] = name

    def limit(self, precision: str, limits: Limits) -> None:
        """Of one network on the golden vectors."""
        self.golden[precision] = self.golden.get(precision, Limits()) | limits

    def quantised(self, files: Mapping[str, bytes], origin: Mapping[str, Any]) -> Quantised:
        """What joins the folder."""
        return Quantised(
            files=files,
            graphs=self.graphs,
            golden=self.golden,
            origin=origin,
            precision_options={p: {"threshold": t} for p, t in self.thresholds.items()},
        )

    def has(self, precision: str) -> bool:
        """Whether both networks have it."""
        return all(f"{network}.{precision}" in self.graphs for network in NETWORKS)

    def signed(self, network: str) -> dict[str, bytes]:
        files = {p: f"{network}.{p}.onnx" for p in ("int8", FEWER)}
        return {p: self.files[name] for p, name in files.items() if name in self.files}

    def fp32(self, network: str) -> Path:
        return self.folder.graph(f"{network}.fp32")


def quantise_volumes(
    folder: ModelFolder, inputs: Sequence[Path], options: Options, track: Track
) -> Outcome:
    """Quantises both graphs, tunes the score threshold again, and compares on held-out subjects.

    Writes nothing.

    Raises:
        CalibrationError: there is no bleed, or a network cannot be quantised.
    """
    for network in NETWORKS:  # what cannot be quantised is refused before anything takes its time
        read_quantisable(folder.graph(f"{network}.fp32"))
    subjects, others = _subjects(inputs, options.held_out)
    with tempfile.TemporaryDirectory() as place:
        task = MicrobleedDetection(**folder.manifest.options)
        work = _Work(
            folder=folder, options=options, track=track, place=Path(place), deployed=task.threshold
        )
        reference = work.study(subjects).find(lowered(folder, work.place / "fp32"), ["fp32"])
        truth = check_positives(subjects, _count(reference["fp32"]), task.threshold)
        seen = work.larder("seen", subjects, reference["fp32"]).stock(options.count or TILES)
        for network in NETWORKS:
            _make(work, network, seen[network])
        trial = _trial(work)
        forms = [*FORMS, *((FEWER,) if work.has(FEWER) else ())]
        found = work.study(subjects).find(trial, forms, reference["fp32"])
        for precision, findings in found.items():
            work.thresholds[precision] = tuned_threshold(
                reference["fp32"], findings, task.threshold
            )
        held_out = work.study(others).find(trial, ["fp32", *forms])
        check_positives(others, _count(held_out["fp32"]), task.threshold)
        _compare(work, held_out)
        _add_typed(work, seen, work.larder("held out", others, held_out["fp32"]))
        looked = (
            looked_at(subjects, reference["fp32"], list(seen.values())),
            looked_at(others, held_out["fp32"]),
        )
        return _outcome(work, seen, looked, truth)


def _subjects(
    inputs: Sequence[Path], held_out: Sequence[Path]
) -> tuple[list[Subject], list[Subject]]:
    subjects = open_subjects(inputs)
    if held_out:
        return subjects, open_subjects(held_out, len(subjects))
    if len(subjects) < 2:
        raise CalibrationError(
            "one subject cannot give ranges and be held out too; give more of them"
        )
    aside = set(evenly(len(subjects), max(1, round(HELD_OUT_SHARE * len(subjects)))))
    return (
        [subject for place, subject in enumerate(subjects) if place not in aside],
        [subjects[place] for place in sorted(aside)],
    )


def _count(findings: Sequence[Finding]) -> int:
    return sum(len(finding.lesions) for finding in findings)


def _network(work: _Work, name: str, seen: StoredInputs) -> Network:
    shelf = None
    if work.options.resume:
        said = f"{seen.sha256} {name}".encode()
        shelf = work.options.resume / hashlib.sha256(said).hexdigest()
    return Network(
        path=work.fp32(name),
        frames=cast("Selection", seen),
        states={},
        shelf=shelf,
        ranges=RANGES_OF[name],
        group_bytes=GROUP_BYTES,
    )


def _make(work: _Work, name: str, seen: StoredInputs) -> None:
    """The INT8 graphs of one network, and their limits on the golden vectors."""
    network = _network(work, name, seen)
    candidate, fewer, recovery = make_candidates(network, work.options, work.track)
    work.candidates[name] = candidate
    work.recovery += [{"network": name, **step} for step in recovery]
    contents = {precision: candidate.write(precision) for precision in FORMS}
    if fewer:
        contents[FEWER] = fewer.write("int8")
    for precision, content in contents.items():
        work.add(name, precision, content)
        path = work.place / "graph.onnx"
        path.write_bytes(content)
        with closing(open_backend(path, threads=work.options.threads)) as backend:
            work.limit(precision, golden_limits(work.folder, backend))


def _trial(work: _Work) -> ModelFolder:
    """The folder with its INT8 graphs, where a session of the device can open it."""
    low = lowered(work.folder, work.place / "trial")
    manifest = replace(
        low.manifest,
        graphs={**low.manifest.graphs, **work.graphs},
        golden=low.manifest.golden and limited(low.manifest.golden, work.golden),
    )
    files = {name: (low.path / name).read_bytes() for name in low.manifest.files}
    return write_folder(low.path, manifest, files | work.files)


def _compare(work: _Work, held_out: Mapping[str, Sequence[Finding]]) -> None:
    names = list(held_out)
    thresholds = {"fp32": work.deployed, **work.thresholds}
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            agreement = LesionAgreement(deployed=thresholds[one], threshold=thresholds[other])
            for expected, got in zip(held_out[one], held_out[other], strict=True):
                agreement.add(expected, got)
            work.agreements[one, other] = agreement


def _add_typed(work: _Work, seen: Mapping[str, StoredInputs], larder: Larder) -> None:
    """The typed forms of both networks; compared on single tiles and patches."""
    for precision in ("int8", FEWER):
        if work.options.typed and precision in work.thresholds:
            work.thresholds[f"{precision}.fp16"] = work.thresholds[precision]
    held_out = larder.stock(TYPED_INPUTS)
    for name in NETWORKS:
        if not work.options.typed:
            work.typing[name] = not_asked_for(work.signed(name))
            continue
        candidate, network = work.candidates[name], _network(work, name, seen[name])
        few, how = network.frames.first(TRIAL_FRAMES), collecting(network, work.options)
        largest = largest_magnitudes(candidate.graph, few, how, work.track)
        graphs, work.typing[name] = typed_forms(candidate.graph, work.signed(name), largest)
        for precision, content in graphs.items():
            work.add(name, precision, content)
            threshold = work.thresholds.get(precision, work.deployed)
            inputs = replace(held_out[name], threshold=threshold)
            agreements, golden = compare_typed(
                work.folder,
                network.path,
                {precision: content},
                cast("Selection", inputs),
                work.options.threads,
            )
            for agreement in agreements.values():
                work.agreements["fp32", f"{precision} ({name})"] = agreement
            work.limit(precision, golden[precision])


def _outcome(
    work: _Work,
    seen: Mapping[str, StoredInputs],
    looked: tuple[Looked, Looked],
    truth: str,
) -> Outcome:
    account = Account(
        seen=looked[0],
        held_out=looked[1],
        agreements=work.agreements,
        tolerance=work.options.tolerance,
        asked=TOLERANCES,
        ranges=work.options.ranges or ", ".join(f"{n}: {r}" for n, r in RANGES_OF.items()),
        x86=work.options.x86,
    )
    origin = account.origin() | {
        "bleeds": truth,
        "threshold": {"fp32": work.deployed, **work.thresholds},
    }
    report = origin | account.lists() | {"recovery": work.recovery}
    report |= parts(work.candidates, work.typing)
    files = dict(work.files)
    for name, candidate in work.candidates.items():
        found = dump_ranges(candidate.ranges, seen[name].sha256, sha256_of(work.fp32(name)))
        files[f"{name}.{RANGES}"] = found
    histograms = histograms_of(work.candidates)
    files |= write_report(work.folder.manifest.task, report, histograms, ())
    return Outcome(
        quantised=work.quantised(files, origin),
        ranges=ranges_of(work.candidates),
        agreements=work.agreements,
        shortfalls=account.shortfalls,
        recovery=work.recovery,
        refused=(),
        int8_shares={name: item.int8_share for name, item in work.candidates.items()},
    )
