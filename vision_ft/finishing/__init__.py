"""The end of a run: val and test scored once more, predictions, metrics and the model folder; one file a task."""

from __future__ import annotations

from collections.abc import Callable

from vision_ft.finishing import classification, detection, multilabel, multitask, segmentation
from vision_ft.finishing.material import Finish as Finish

FINISHERS: dict[str, Callable[[Finish], None]] = {
    "classification": classification.finish,
    "multilabel": multilabel.finish,
    "multitask": multitask.finish,
    "segmentation": segmentation.finish,
    "detection": detection.finish,
}
