"""Tasks: the loss, the decoding and the metric of each; another one is a file and a line here."""

from __future__ import annotations

from vision_ft.tasks import classification, detection, multilabel, multitask, regression, segmentation
from vision_ft.tasks.spec import TaskSpec

TASKS: dict[str, TaskSpec] = {
    "classification": classification.TASK,
    "multilabel": multilabel.TASK,
    "multitask": multitask.TASK,
    "segmentation": segmentation.TASK,
    "detection": detection.TASK,
    "regression": regression.TASK,
}
