"""What a model folder says about where its network comes from, and how it keeps saying it."""

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sdk.model_folder import IntendedInput

PHANTOMS = "phantoms only"


def trained_on(*trainings: dict[str, Any]) -> str:
    """By the notes of trainings: phantoms, unless a recipe names a folder of data."""
    folders = (notes.get("recipe", {}).get("data") for notes in trainings)
    names = {PHANTOMS if path is None else f"the folder {Path(path).name}" for path in folders}
    return " and ".join(sorted(names))


def with_origin(intended: IntendedInput, *trainings: dict[str, Any]) -> IntendedInput:
    """The intended input, whose note tells of phantoms, with the data of the trainings instead."""
    return replace(intended, note=intended.note.replace(PHANTOMS, trained_on(*trainings)))


def versions() -> dict[str, str]:
    """What exported the network."""
    return {"torch": torch.__version__, "python": platform.python_version()}


def kept_card(out: Path) -> dict[str, bytes]:
    """The model card that lies in a folder already, by its name, to be vouched for once more."""
    card = out / "MODEL_CARD.md"
    return {card.name: card.read_bytes()} if card.is_file() else {}
