"""Kinds: what the data side knows of each task; another one is a file and a line here."""

from __future__ import annotations

from vision_ft.data.kinds import classification, detection, multilabel, multitask, regression, segmentation
from vision_ft.data.kinds.base import Kind

KINDS: dict[str, Kind] = {
    "classification": classification.KIND,
    "multilabel": multilabel.KIND,
    "multitask": multitask.KIND,
    "segmentation": segmentation.KIND,
    "detection": detection.KIND,
    "regression": regression.KIND,
}
