"""Outcomes as plain records, for files and logs."""

import json
from collections.abc import Iterable
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from sdk.outcome import Outcome
from sdk.tasks import Vessels
from sdk.timing import LatencyRecord


def outcome_record(outcome: Outcome[Any]) -> dict[str, Any]:
    """One outcome without its images: identity, status, answer, notes, stages, backend."""
    frame = outcome.frame
    return {
        "index": frame.index,
        "time_ms": frame.time_ms,
        "status": outcome.status.value,
        "reason": outcome.reason,
        "notes": list(outcome.notes),
        "answer": _plain(outcome.answer),
        "stages_ms": {stage: round(ms, 4) for stage, ms in outcome.stages_ms.items()},
        "backend": outcome.backend,
    }


def write_outcomes(path: Path, outcomes: Iterable[Outcome[Any]], latency: LatencyRecord) -> None:
    """Writes the records of a run and its latency summary as JSON.

    The latency is read after the last outcome, which may come from the session just then.
    """
    content = {
        "frames": [outcome_record(outcome) for outcome in outcomes],
        "latency_ms": {stage: asdict(row) for stage, row in latency.summary().items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def vessels_of(answer: Any) -> Vessels | None:
    """The vessels of an answer, None where it has none."""
    if isinstance(answer, Vessels):
        return answer
    found = getattr(answer, "vessels", None)
    return found if isinstance(found, Vessels) else None


def grade_of(answer: Any) -> str:
    """The grade of an answer in lower case, empty where it has none."""
    grade = getattr(answer, "grade", None)
    return grade.name.lower() if isinstance(grade, Enum) else ""


def _plain(value: Any) -> Any:
    """Numbers, words and lists of them; images are left out."""
    if is_dataclass(value):
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        return {
            name: _plain(member)
            for name, member in members.items()
            if not isinstance(member, np.ndarray)
        }
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
