"""Finished histograms on disk, so that an interrupted calibration goes on where it was."""

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np

from calibration.histogram import Histogram
from calibration.quantisable import Quantisable
from sdk.files import write_whole


def keep(shelf: Path, graph: Quantisable, histograms: Mapping[str, Histogram]) -> None:
    """Puts the histograms of a group on the shelf, all or none of them."""
    shelf.mkdir(parents=True, exist_ok=True)
    path = _place(shelf, graph, histograms)
    content = BytesIO()
    np.savez(
        content,
        extremes=np.array([(h.low, h.high) for h in histograms.values()]),
        counts=np.stack([h.counts for h in histograms.values()]),
        zeros=np.array([h.zeros for h in histograms.values()]),
    )
    write_whole(path, content.getvalue())


def restore(shelf: Path, graph: Quantisable, histograms: Mapping[str, Histogram]) -> bool:
    """Fills the empty histograms of a group from the shelf; False: they are not on it."""
    path = _place(shelf, graph, histograms)
    if not path.is_file():
        return False
    with np.load(path, allow_pickle=False) as kept:
        rows = zip(kept["extremes"].tolist(), kept["counts"], kept["zeros"].tolist(), strict=True)
        for histogram, ((low, high), counts, zeros) in zip(histograms.values(), rows, strict=True):
            histogram.low, histogram.high, histogram.zeros = low, high, zeros
            histogram.counts[...] = counts
    return True


def _place(shelf: Path, graph: Quantisable, histograms: Mapping[str, Histogram]) -> Path:
    """One file per graph, group and number of bins."""
    said = json.dumps([(name, histogram.bins) for name, histogram in histograms.items()])
    digest = hashlib.sha256(graph.model.SerializeToString(deterministic=True))
    digest.update(said.encode())
    return shelf / f"{digest.hexdigest()}.npz"
