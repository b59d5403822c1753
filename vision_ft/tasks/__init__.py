"""Tasks: the loss, the decoding and the metric of each; segmentation and detection add a file and a line."""

from __future__ import annotations

from vision_ft.tasks import classification
from vision_ft.tasks.spec import TaskSpec

TASKS: dict[str, TaskSpec] = {
    "classification": classification.TASK,
}
