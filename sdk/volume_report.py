"""What was found in a volume as plain records, for files and logs."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from sdk.files import write_whole
from sdk.tasks.microbleeds import Dropped, DroppedCandidate, Microbleed, MicrobleedAnswer, Region
from sdk.volume_outcome import VolumeOutcome

COLUMNS = (
    "number",
    "kept",
    "reason",
    "region",
    "score",
    "overlap",
    "diameter_mm",
    "x_mm",
    "y_mm",
    "z_mm",
    "slice",
    "row",
    "column",
)
"""Of the table; x, y and z are DICOM's patient coordinates, voxels those of the axial volume."""

OVERRULED = (Dropped.SUPPRESSED, Dropped.TOO_MANY)
"""Dropped beside a better candidate; the others are dropped for the place where they lie."""
NAMED = (Region.LOBAR, Region.DEEP, Region.INFRATENTORIAL)


def volume_record(outcome: VolumeOutcome) -> dict[str, Any]:
    """One outcome without its images: status, bleeds, dropped candidates, notes, stages."""
    answer = outcome.answer
    return {
        "status": outcome.status.value,
        "reason": outcome.reason,
        "notes": list(outcome.notes),
        "answer": None if answer is None else _answer_record(answer),
        "stages_ms": {stage: round(ms, 2) for stage, ms in outcome.stages_ms.items()},
        "backend": outcome.backend,
    }


def write_volume_record(path: Path, outcome: VolumeOutcome) -> None:
    """Writes the record of an outcome as JSON."""
    write_whole(path, (json.dumps(volume_record(outcome), indent=1) + "\n").encode())


def write_candidates(path: Path, answer: MicrobleedAnswer) -> None:
    """Writes a CSV table: bleeds in the order of their numbers in pictures, then what was dropped.

    A bleed's reason is empty; a dropped candidate's is a name of `sdk.Dropped` in lower case.
    """
    content = StringIO(newline="")
    table = csv.writer(content)
    table.writerow(COLUMNS)
    table.writerows(_rows(answer))
    write_whole(path, content.getvalue().encode())


def dropped_by_reason(answer: MicrobleedAnswer) -> dict[Dropped, int]:
    """How many candidates fell for each reason; reasons of none are left out."""
    reasons = [entry.reason for entry in answer.dropped]
    return {reason: reasons.count(reason) for reason in Dropped if reason in reasons}


def count_by_region(bleeds: Iterable[Microbleed]) -> dict[Region, int]:
    """How many lie in each region, in the order of the regions; none is left out but NONE."""
    regions = [bleed.region for bleed in bleeds]
    counts = {region: regions.count(region) for region in (*NAMED, Region.NONE)}
    return {region: n for region, n in counts.items() if n or region is not Region.NONE}


def misplaced(dropped: Iterable[DroppedCandidate]) -> list[DroppedCandidate]:
    """Candidates that fell for the place where they lie."""
    return [entry for entry in dropped if entry.reason not in OVERRULED]


def _answer_record(answer: MicrobleedAnswer) -> dict[str, Any]:
    volume = answer.volume
    return {
        "volume": {
            "shape": list(volume.shape),
            "spacing_mm": [round(mm, 4) for mm in volume.spacing_mm],
            "to_patient": volume.to_patient.tolist(),
        },
        "window": list(answer.window),
        "tiles": answer.tiles,
        "tiles_skipped": answer.tiles_skipped,
        "microbleeds": [_place_record(bleed) for bleed in answer.microbleeds],
        "dropped": [
            _place_record(entry.candidate)
            | {"reason": entry.reason.name.lower(), "meaning": entry.reason.value}
            for entry in answer.dropped
        ],
    }


def _place_record(bleed: Microbleed) -> dict[str, Any]:
    record = asdict(bleed) | {"region": bleed.region.name.lower()}
    return {
        name: [round(at, 3) for at in value] if isinstance(value, tuple) else value
        for name, value in record.items()
    }


def _rows(answer: MicrobleedAnswer) -> Iterator[tuple[Any, ...]]:
    for number, bleed in enumerate(answer.microbleeds, 1):
        yield number, 1, "", *_cells(bleed)
    for entry in answer.dropped:
        yield "", 0, entry.reason.name.lower(), *_cells(entry.candidate)


def _cells(bleed: Microbleed) -> Iterator[Any]:
    yield bleed.region.name.lower()
    yield round(bleed.score, 4)
    yield "" if bleed.overlap is None else round(bleed.overlap, 3)
    yield round(bleed.diameter_mm, 2)
    yield from (round(at, 2) for at in (*bleed.patient_mm, *bleed.voxel))
