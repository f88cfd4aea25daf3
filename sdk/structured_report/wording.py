"""What every report says of the session that answered, and how frames are counted."""

from collections.abc import Iterable
from itertools import groupby

from sdk.dicom.report_content import Algorithm
from sdk.opened_folder import OpenedFolder


def algorithm_of(session: OpenedFolder) -> Algorithm:
    """The model folder by its task and its manifest's hash, and how it ran."""
    manifest = session.manifest
    network = manifest.origin.get("network")
    ran = f"precision {session.precision}, backend {session.backend}"
    return Algorithm(
        name=f"AngioEdge {manifest.task}",
        version=session.model_sha256,
        parameters=(ran, f"network: {network}") if isinstance(network, str) else (ran,),
    )


def numbers(indices: Iterable[int]) -> str:
    """Frames counted from 0 as people count them: 1-3, 7."""
    counted = enumerate(sorted(indices))
    stretches = (list(group) for _, group in groupby(counted, lambda pair: pair[1] - pair[0]))
    return ", ".join(_stretch(group[0][1] + 1, group[-1][1] + 1) for group in stretches)


def _stretch(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
