"""What a model folder says about the data its network was trained on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

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
