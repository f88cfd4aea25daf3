"""The clinical questions. To add one, write its file and name it in TASKS."""

from dataclasses import fields
from typing import Any

from sdk.errors import ModelFolderError
from sdk.model_folder import ModelFolder
from sdk.tasks.angiogram_quality import AngiogramQuality, Grade, QualityAnswer
from sdk.tasks.artery_sequence import ArteryAnswer, ArterySequence
from sdk.tasks.base import Task
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.segmentation import Segmentation
from sdk.tasks.vessels import Vessels, dice

__all__ = [
    "TASKS",
    "AngiogramQuality",
    "ArteryAnswer",
    "ArterySequence",
    "Grade",
    "QualityAnswer",
    "Segmentation",
    "Task",
    "Vessels",
    "dice",
    "make_like",
    "make_task",
]

TASKS: dict[str, type[Task[Any]]] = {
    task.name: task for task in (AngiogramQuality, ArterySequence, Segmentation)
}


def make_task(folder: ModelFolder, wanted: type[Task[Any]] | None = None) -> Task[Any]:
    """The task of a model folder, made with the options that belong to its weights.

    Args:
        folder: the model folder.
        wanted: the task it must be for.

    Raises:
        ModelFolderError: it is for another task, for an unknown one, or its options do not fit.
    """
    manifest = folder.manifest
    if wanted is not None and manifest.task != wanted.name:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, expected {wanted.name!r}"
        )
    if manifest.task == MicrobleedDetection.name:
        raise ModelFolderError(f"{folder.path} answers volumes; open it with sdk.VolumeSession")
    if manifest.task not in TASKS:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, this SDK knows "
            f"{', '.join(sorted(TASKS))}; update angioedge on this device"
        )
    try:
        return TASKS[manifest.task](**manifest.options)
    except (TypeError, ValueError) as error:
        raise ModelFolderError(
            f"the options in {folder.path} do not fit {manifest.task!r}: {error}"
        ) from error


def make_like(task: Task[Any]) -> Task[Any]:
    """A task with the same options, that has seen no frame."""
    options = {f.name: getattr(task, f.name) for f in fields(task) if f.init}  # type: ignore[arg-type]
    return type(task)(**options)
