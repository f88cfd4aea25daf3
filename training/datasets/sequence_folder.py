"""Sequences of a folder that the person who trains gives: DIAS, or plain pictures with masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.datasets.dias import UNLABELED, dias_pool, open_dias
from training.datasets.picture_pairs import MASKS, sequence_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from training.datasets.sequence_pool import SequencePool


def read_sequences(folder: Path, part: str, size: int) -> SequencePool:
    """The ``training``, ``validation`` or ``test`` sequences; DIAS unless the part has masks.

    Raises:
        DiasError, PictureError: the folder is not laid out as it should be.
    """
    if (folder / part / MASKS).is_dir():
        return sequence_pairs(folder, part, size)
    return dias_pool(open_dias(folder, part), size)


def read_unlabelled(folder: Path, size: int) -> SequencePool | None:
    """The sequences without masks that DIAS brings along; none elsewhere.

    Raises:
        DiasError: they are not laid out as they should be.
    """
    if not (folder / UNLABELED).is_dir():
        return None
    return dias_pool(open_dias(folder, "unlabeled"), size)
