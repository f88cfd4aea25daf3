"""Records hold every candidate, with plain numbers and words."""

import csv
import json

import pytest
import volume_folders

import sdk
from sdk import Dropped, Region, Status
from sdk.volume_report import (
    COLUMNS,
    count_by_region,
    dropped_by_reason,
    misplaced,
    volume_record,
    write_candidates,
    write_volume_record,
)

HEAD = volume_folders.head()
ANSWER = volume_folders.answer_of(
    HEAD,
    ((12, 40, 30), Region.DEEP),
    ((5, 20, 50), Region.LOBAR),
    dropped=[((6, 6, 6), Dropped.SUPPRESSED), ((7, 7, 7), Dropped.OUTSIDE_REGIONS)],
)


def outcome(answer=ANSWER):
    status = Status.REJECTED if answer is None else Status.DELIVERED
    return sdk.VolumeOutcome(
        volume=HEAD,
        status=status,
        answer=answer,
        reason="" if answer else "no brain was found",
        notes=("a note",),
        stages_ms={"detect": 1.23456},
        backend="replay",
    )


def test_the_record_is_plain_json(tmp_path):
    write_volume_record(tmp_path / "answer.json", outcome())
    record = json.loads((tmp_path / "answer.json").read_text())
    assert record == json.loads(json.dumps(volume_record(outcome())))
    assert record["status"] == "delivered"
    assert record["notes"] == ["a note"]
    first = record["answer"]["microbleeds"][0]
    assert (first["region"], first["voxel"], first["overlap"]) == ("deep", [12, 40, 30], 1.0)
    assert first["patient_mm"] == [30.0, 40.0, 24.0]
    reasons = [(entry["reason"], entry["meaning"]) for entry in record["answer"]["dropped"]]
    assert reasons[1] == ("outside_regions", Dropped.OUTSIDE_REGIONS.value)
    assert record["answer"]["volume"]["shape"] == [24, 80, 72]


def test_a_volume_without_answer_has_its_reason():
    record = volume_record(outcome(None))
    assert (record["status"], record["answer"]) == ("rejected", None)
    assert record["reason"] == "no brain was found"


def test_the_table_has_a_row_per_candidate_bleeds_first(tmp_path):
    write_candidates(tmp_path / "table.csv", ANSWER)
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["number"], row["kept"], row["reason"]) for row in rows] == [
        ("1", "1", ""),
        ("2", "1", ""),
        ("", "0", "suppressed"),
        ("", "0", "outside_regions"),
    ]
    assert [float(rows[0][name]) for name in ("x_mm", "y_mm", "z_mm")] == [30, 40, 24]
    assert [float(rows[0][name]) for name in ("slice", "row", "column")] == [12, 40, 30]
    assert rows[2]["overlap"] == ""


def test_counts_name_every_region_and_only_reasons_that_occurred():
    assert count_by_region(ANSWER.microbleeds) == {
        Region.LOBAR: 1,
        Region.DEEP: 1,
        Region.INFRATENTORIAL: 0,
    }
    unnamed = volume_folders.answer_of(HEAD, ((5, 20, 50), Region.NONE)).microbleeds
    assert count_by_region(unnamed)[Region.NONE] == 1
    assert dropped_by_reason(ANSWER) == {Dropped.SUPPRESSED: 1, Dropped.OUTSIDE_REGIONS: 1}


@pytest.mark.parametrize("reason", list(Dropped))
def test_only_a_better_candidate_overrules_without_a_mark(reason):
    answer = volume_folders.answer_of(HEAD, dropped=[((6, 6, 6), reason)])
    overruled = reason in {Dropped.SUPPRESSED, Dropped.TOO_MANY}
    assert bool(misplaced(answer.dropped)) is not overruled
