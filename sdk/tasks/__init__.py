"""The clinical questions. To add one, write its file and name it in TASKS."""

from typing import Any

from sdk.tasks.angiogram_quality import AngiogramQuality, Grade, QualityAnswer
from sdk.tasks.artery_sequence import ArteryAnswer, ArterySequence
from sdk.tasks.base import Task
from sdk.tasks.segmentation import Segmentation
from sdk.tasks.vessels import Vessels

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
]

TASKS: dict[str, type[Task[Any]]] = {
    task.name: task for task in (AngiogramQuality, ArterySequence, Segmentation)
}
