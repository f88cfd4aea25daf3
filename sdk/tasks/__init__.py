"""The clinical questions. To add one, write its file and name it in TASKS."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from sdk.errors import ModelFolderError
from sdk.model_folder import ModelFolder
from sdk.model_part import ModelPart, check_golden
from sdk.tasks.angiogram_quality import AngiogramQuality, Grade, QualityAnswer
from sdk.tasks.artery_sequence import ArteryAnswer, ArterySequence
from sdk.tasks.base import Contract, Task
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.segmentation import Segmentation
from sdk.tasks.vessels import Vessels, dice

__all__ = [
    "TASKS",
    "VOLUME_TASKS",
    "AngiogramQuality",
    "ArteryAnswer",
    "ArterySequence",
    "Contract",
    "Grade",
    "QualityAnswer",
    "Segmentation",
    "Task",
    "Vessels",
    "answers_volumes",
    "contract_of",
    "dice",
    "make_like",
    "make_task",
    "make_volume_task",
    "options_of",
    "parts_of",
]

Made = TypeVar("Made")

TASKS: dict[str, type[Task[Any]]] = {
    task.name: task for task in (AngiogramQuality, ArterySequence, Segmentation)
}


VOLUME_TASKS: dict[str, type[MicrobleedDetection]] = {MicrobleedDetection.name: MicrobleedDetection}
"""Those that answer volumes."""


def make_task(
    folder: ModelFolder, wanted: type[Task[Any]] | None = None, precision: str = ""
) -> Task[Any]:
    """The task of a model folder, made with the options that belong to its weights.

    Args:
        folder: the model folder.
        wanted: the task it must be for.
        precision: of the graph that runs, whose options may differ.

    Raises:
        ModelFolderError: it is for another task, for an unknown one, or its options do not fit.
    """
    manifest = folder.manifest
    if wanted is not None and manifest.task != wanted.name:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, expected {wanted.name!r}"
        )
    if answers_volumes(folder):
        raise ModelFolderError(f"{folder.path} answers volumes; open it with sdk.VolumeSession")
    if manifest.task not in TASKS:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, this SDK knows "
            f"{', '.join(sorted(TASKS | VOLUME_TASKS))}; update angioedge on this device"
        )
    return _made(TASKS[manifest.task], folder, precision)


def make_volume_task(folder: ModelFolder, precision: str = "") -> MicrobleedDetection:
    """The same for a task that answers volumes.

    Args:
        folder: the model folder.
        precision: of the graphs that run, whose options may differ.

    Raises:
        ModelFolderError: the folder is for another task, or its options do not fit.
    """
    if not answers_volumes(folder):
        raise ModelFolderError(
            f"{folder.path} is for the task {folder.manifest.task!r}, expected "
            f"{', '.join(sorted(VOLUME_TASKS))}; open folders of frame tasks with sdk.Session"
        )
    return _made(VOLUME_TASKS[folder.manifest.task], folder, precision)


def answers_volumes(folder: ModelFolder) -> bool:
    """Whether a folder is opened with `sdk.VolumeSession` rather than `sdk.Session`."""
    return folder.manifest.task in VOLUME_TASKS


def contract_of(folder: ModelFolder, precision: str = "") -> Contract:
    """What the graphs of a model folder, or of one of its parts, must fit.

    Args:
        folder: the model folder, or one of its parts.
        precision: of the graph whose answers are read, whose options may differ.

    Raises:
        ModelFolderError: its task is unknown, or its options do not fit.
    """
    if isinstance(folder, ModelPart):
        return make_volume_task(folder, precision).networks[folder.name]
    return make_task(folder, precision=precision)


def parts_of(folder: ModelFolder) -> tuple[ModelFolder, ...]:
    """The networks of a model folder; of a task with one network, the folder itself.

    Raises:
        ModelFolderError: a network has no graph, or a golden pair belongs to none.
    """
    if not answers_volumes(folder):
        return (folder,)
    parts = tuple(
        ModelPart.of(folder, name, [spec.name for spec in contract.inputs])
        for name, contract in make_volume_task(folder).networks.items()
    )
    check_golden(folder, parts)
    return parts


def _made(kind: Callable[..., Made], folder: ModelFolder, precision: str = "") -> Made:
    manifest = folder.manifest
    try:
        return kind(**manifest.options_of(precision))
    except (TypeError, ValueError) as error:
        raise ModelFolderError(
            f"the options in {folder.path} do not fit {manifest.task!r}: {error}"
        ) from error


def options_of(task: Task[Any]) -> dict[str, Any]:
    """The fields of a task that a manifest holds."""
    return {f.name: getattr(task, f.name) for f in fields(task) if f.init}  # type: ignore[arg-type]


def make_like(task: Task[Any]) -> Task[Any]:
    """A task with the same options, that has seen no frame."""
    return type(task)(**options_of(task))
