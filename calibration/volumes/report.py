"""What the report says of two networks and their subjects."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from calibration.candidate import Candidate
from calibration.histogram import Histogram
from calibration.ranges import Range
from calibration.report import Looked, decided
from calibration.volumes.findings import Finding
from calibration.volumes.inputs import StoredInputs
from calibration.volumes.subjects import Subject


def parts(
    candidates: Mapping[str, Candidate], typing: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What was decided for both networks, as one: names begin with that of the network.

    Args:
        candidates: network -> how it is quantised.
        typing: network -> what its typed forms say.
    """
    report: dict[str, Any] = {}
    for name, candidate in candidates.items():
        for key, value in decided(candidate, f"{name}: ").items():
            if isinstance(value, dict):
                report[key] = report.get(key, {}) | value
            else:
                report[key] = [*report.get(key, []), *value]
    for key in ("kept_in_fp32", "forms_left_out"):
        report[key] = {
            f"{precision} ({name})": said
            for name, typing in typing.items()
            for precision, said in typing[key].items()
        }
    return report


def looked_at(
    subjects: Sequence[Subject], findings: Sequence[Finding], inputs: Sequence[StoredInputs] = ()
) -> Looked:
    """Subjects and the inputs of them that gave ranges."""
    labels = [subject.name for subject in subjects]
    labels += [stored.label for kept in inputs for stored in kept.picks]
    digest = hashlib.sha256("".join(finding.sha256 for finding in findings).encode())
    return Looked(labels=labels, sha256=digest.hexdigest())


def ranges_of(candidates: Mapping[str, Candidate]) -> dict[str, Range]:
    """Ranges of all networks, names behind that of the network."""
    return {
        f"{name}: {tensor}": item
        for name, candidate in candidates.items()
        for tensor, item in candidate.ranges.items()
    }


def histograms_of(candidates: Mapping[str, Candidate]) -> dict[str, Histogram]:
    """Histograms of all networks, names behind that of the network."""
    return {
        f"{name}: {tensor}": histogram
        for name, candidate in candidates.items()
        for tensor, histogram in candidate.histograms.items()
    }
