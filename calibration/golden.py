"""How closely a device must answer the golden vectors with a quantised graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sdk.backends import Backend
from sdk.golden import Golden, GoldenPair, relative_difference
from sdk.model_folder import ModelFolder
from sdk.tasks import Contract, contract_of, parts_of

MARGIN = 2.0
"""A device may differ from the golden vectors by twice what the workstation found."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one precision.

    Attributes:
        tolerances: output -> largest difference, relative to its range.
        agreements: measure of the task -> least mean over the vectors, where the workstation itself
            finds so little agreement that the limit of the manifest would refuse every device.
    """

    tolerances: Mapping[str, float] = field(default_factory=dict)
    agreements: Mapping[str, float] = field(default_factory=dict)

    def __or__(self, other: "Limits") -> "Limits":
        """Of the outputs and measures of both: two networks of one folder."""
        return Limits(
            tolerances={**self.tolerances, **other.tolerances},
            agreements={**self.agreements, **other.agreements},
        )


def limited(golden: Golden, limits: Mapping[str, Limits]) -> Golden:
    """The same golden vectors with the limits of these precisions, and of no others."""
    return replace(
        golden,
        tolerances={name: dict(item.tolerances) for name, item in limits.items()},
        agreements={name: dict(item.agreements) for name, item in limits.items()},
    )


def golden_limits(folder: ModelFolder, backend: Backend) -> Limits:
    """What a device may differ by: twice what this quantised graph does here.

    The vectors are the frames of one run: what the backend carries, it carries through them.

    Args:
        folder: gives the vectors, of FP32; those that the graph does not take are left out.
        backend: runs the quantised graph, and carries its states already.
    """
    golden = folder.manifest.golden or Golden()
    tolerances: dict[str, float] = {}
    found: dict[str, list[float]] = {}
    backend.begin_run()
    for contract, (inputs, recorded) in _golden_of(folder, backend):
        for name, tensor in inputs.items():
            np.copyto(backend.inputs[name], tensor)
        backend.run()
        for name, expected in recorded.items():
            allowed = MARGIN * relative_difference(expected, backend.outputs[name])
            tolerances[name] = round(max(allowed, tolerances.get(name, golden.tolerance)), 6)
        answers = contract.read(recorded), contract.read(backend.outputs)
        for measure, agreement in contract.agreement(*answers).items():
            found.setdefault(measure, []).append(agreement)
    least = {name: 1 - MARGIN * (1 - float(np.mean(values))) for name, values in found.items()}
    agreements = {
        name: round(max(0.0, limit), 6)
        for name, limit in least.items()
        if limit < golden.least_agreement("fp32", name)
    }
    return Limits(tolerances=tolerances, agreements=agreements)


def _golden_of(folder: ModelFolder, backend: Backend) -> Iterator[tuple[Contract, GoldenPair]]:
    """The golden vectors of the graph that a backend runs, with what reads their answers."""
    for part in parts_of(folder):
        contract = contract_of(part)
        if {spec.name for spec in contract.inputs} == set(backend.inputs):
            yield from ((contract, pair) for pair in part.golden())
