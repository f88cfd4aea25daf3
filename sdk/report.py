"""Outcomes as plain records, for files and logs."""

import json
import operator
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from sdk.files import write_whole
from sdk.outcome import Outcome, Status
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


def write_outcomes(
    path: Path,
    outcomes: Iterable[Outcome[Any]],
    latency: LatencyRecord,
    unread: Mapping[int, str] | None = None,
) -> None:
    """Writes the records of a run and its latency summary as JSON.

    Where the outcomes end in an error or in Ctrl-C, those before it are written, with what ended
    them under ``stopped``, and the error is raised again.

    Args:
        path: the file; what exists is replaced.
        outcomes: in order; they may come from the session just then.
        latency: of the session, read after the last outcome.
        unread: position -> why that frame could not be read, looked at after the last outcome; its
            record is that of a rejected frame.
    """
    records, stopped = [], ""
    try:
        for outcome in outcomes:
            records.append(outcome_record(outcome))  # noqa: PERF401  kept where the next one fails
    except BaseException as error:
        stopped = str(error) or type(error).__name__
        raise
    finally:
        records += [_unread_record(index, reason) for index, reason in (unread or {}).items()]
        content = {
            "frames": sorted(records, key=operator.itemgetter("index")),
            "stopped": stopped,
            "latency_ms": {stage: asdict(row) for stage, row in latency.summary().items()},
        }
        write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def _unread_record(index: int, reason: str) -> dict[str, Any]:
    return {
        "index": index,
        "time_ms": None,
        "status": Status.REJECTED.value,
        "reason": reason,
        "notes": [],
        "answer": None,
        "stages_ms": {},
        "backend": "",
    }


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
