"""The clinical questions. To add one, write its file and name it in TASKS."""

from typing import Any

from sdk.tasks.angiogram_quality import AngiogramQuality, Grade, QualityAnswer
from sdk.tasks.base import Task
from sdk.tasks.segmentation import Segmentation
from sdk.tasks.vessels import Vessels, dice

__all__ = [
    "TASKS",
    "AngiogramQuality",
    "Grade",
    "QualityAnswer",
    "Segmentation",
    "Task",
    "Vessels",
    "dice",
]

TASKS: dict[str, type[Task[Any]]] = {task.name: task for task in (AngiogramQuality, Segmentation)}
