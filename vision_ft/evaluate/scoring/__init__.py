"""The tasks as evaluation sees them; another one is a file and a line here."""

from __future__ import annotations

from vision_ft.evaluate.scoring import classification, detection, multilabel, multitask, regression, segmentation
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Predicted, Scoring

__all__ = ["SCORINGS", "Compared", "MetricInfo", "Predicted", "Scoring"]

SCORINGS: dict[str, Scoring] = {
    "classification": classification.SCORING,
    "multilabel": multilabel.SCORING,
    "multitask": multitask.SCORING,
    "segmentation": segmentation.SCORING,
    "detection": detection.SCORING,
    "regression": regression.SCORING,
}
