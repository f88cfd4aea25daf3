"""The acceptance certificate: does this backend, on this device, answer as the CPU does?"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.acceptance.warm_up import fit, run_on, warm_up
from sdk.backends import Backend
from sdk.engines.files import write_engine_file
from sdk.errors import BackendError, ModelFolderError
from sdk.golden import Golden, relative_difference
from sdk.model_folder import ModelFolder
from sdk.tasks import Contract, contract_of
from sdk.typed_json import parse

REFERENCE = "fp32"
"""Precision of the graph that answers on the CPU as everything else must."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One number of a certificate, None where it is not finite, and what it was allowed to be."""

    found: float | None
    limit: float

    def at_most(self) -> bool:
        """Found, and not above its limit."""
        return self.found is not None and self.found <= self.limit

    def at_least(self) -> bool:
        """Found, and not below its limit."""
        return self.found is not None and self.found >= self.limit


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """How closely a backend answered as the FP32 graph does on the CPU of the same device.

    Attributes:
        candidate: what was tried, as its backend identifies itself: library, device, driver, hash.
        reference: what it was compared with, likewise.
        precision: of the graph the candidate runs, or was built from.
        golden_sha256: the file of the frames compared on.
        frames: how many they were.
        differences: output -> largest difference relative to the range of the reference, and the
            largest allowed.
        agreements: measure of the task -> its mean over the frames, and the least allowed.
        angioedge: version that wrote this.
        made: when, in UTC.
    """

    candidate: Mapping[str, str]
    reference: Mapping[str, str]
    precision: str
    golden_sha256: str
    frames: int
    differences: Mapping[str, Measured]
    agreements: Mapping[str, Measured]
    angioedge: str = field(default_factory=lambda: version("angioedge"))
    made: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat("T", "seconds"))

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What lies outside the limits, in words; empty: it passed."""
        return tuple(self._shortfalls())

    @property
    def passed(self) -> bool:
        """Nothing lies outside the limits."""
        return not self.shortfalls

    def _shortfalls(self) -> Iterator[str]:
        for name, number in self.differences.items():
            if not number.at_most():
                yield f"{name} differs by {number.found}, expected at most {number.limit:g}"
        for name, number in self.agreements.items():
            if not number.at_least():
                yield f"{name} is {number.found}, expected at least {number.limit:g}"

    def objections(self, now: Mapping[str, str], folder: ModelFolder) -> tuple[str, ...]:
        """Why it does not vouch for a backend with this identity, in words; empty: it does."""
        found = [f"it did not pass: {reason}" for reason in self.shortfalls]
        then = self.candidate
        found += [
            f"{key} was {then.get(key)} when it was qualified, is now {now.get(key)}"
            for key in sorted(then.keys() | now.keys())
            if then.get(key) != now.get(key)
        ]
        if self.golden_sha256 != _golden_sha256(folder):
            found.append("the model folder has other golden frames now")
        return tuple(found)

    def record(self) -> dict[str, Any]:
        """For a file: every number, and what they mean."""
        verdict = {"passed": self.passed, "shortfalls": self.shortfalls}
        return verdict | asdict(self)


def write_certificate(certificate: Certificate, path: Path) -> None:
    """Writes a certificate as JSON; an interruption leaves what was there.

    Raises:
        EngineError: it cannot be written.
    """
    write_engine_file(path, (json.dumps(certificate.record(), indent=2) + "\n").encode())


def read_certificate(path: Path) -> Certificate | None:
    """The certificate in a file, None where there is no file.

    Raises:
        BackendError: the file holds no certificate.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        for verdict in ("passed", "shortfalls"):  # follow from the numbers
            del record[verdict]
        return parse(Certificate, record, path.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(
            f"{path} holds no certificate ({error!r}); run 'angioedge qualify' again"
        ) from error


def qualify(
    folder: ModelFolder, contract: Contract, precision: str, reference: Backend, candidate: Backend
) -> Certificate:
    """Runs the golden frames, as one run, on both backends and compares tensors and answers.

    Args:
        folder: gives the golden frames and the limits.
        contract: what the graphs must fit; reads the answers of the candidate.
        precision: of the graph the candidate runs, or was built from; chooses the limits.
        reference: runs the FP32 graph on the CPU; must itself give what was recorded.
        candidate: what shall answer instead; like the reference, it has not run yet.

    Raises:
        ModelFolderError: there are no golden frames, or a backend does not fit the task.
        BackendError: the reference does not give what was recorded, or a backend fails.
    """
    golden, pairs = folder.manifest.golden or Golden(), folder.golden()
    if not pairs:
        raise ModelFolderError(f"{folder.path} has no golden frames: nothing can be certified")
    own = contract_of(folder)  # the reference may have another threshold
    for backend in (reference, candidate):
        fit(contract, backend)
    warm_up(reference, folder, REFERENCE)
    for backend in (reference, candidate):
        backend.begin_run()
    differences, agreements = [], []
    for inputs, _ in pairs:
        expected, got = _answer(own, reference, inputs), _answer(contract, candidate, inputs)
        agreements.append(contract.agreement(expected, got))
        differences.append(_differences(contract, reference, candidate))
    return Certificate(
        candidate=dict(candidate.identity),
        reference=dict(reference.identity),
        precision=precision,
        golden_sha256=_golden_sha256(folder),
        frames=len(pairs),
        differences=_summary(differences, np.max, partial(golden.tolerance_of, precision)),
        agreements=_summary(agreements, np.mean, partial(golden.least_agreement, precision)),
    )


def _answer(contract: Contract, backend: Backend, inputs: dict[str, NDArray[Any]]) -> Any:
    run_on(backend, inputs)
    return contract.read(backend.outputs)


def _differences(contract: Contract, reference: Backend, candidate: Backend) -> dict[str, float]:
    backends = (reference, candidate)
    names = [spec.name for spec in contract.outputs]
    return {
        name: relative_difference(*(kernels.to_host(b.outputs[name]) for b in backends))
        for name in names
    }


def _summary(
    frames: Sequence[Mapping[str, float]],
    statistic: Callable[[list[float]], Any],
    limit_of: Callable[[str], float],
) -> dict[str, Measured]:
    """Name -> a statistic over the frames, with its limit."""
    found = {name: float(statistic([frame[name] for frame in frames])) for name in frames[0]}
    return {
        name: Measured(found=value if isfinite(value) else None, limit=limit_of(name))
        for name, value in found.items()
    }


def _golden_sha256(folder: ModelFolder) -> str:
    golden = folder.manifest.golden
    return folder.manifest.files[golden.file] if golden else ""
