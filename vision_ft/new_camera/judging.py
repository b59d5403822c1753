"""What the new-camera job asks of a task: answers of a model, what they are worth on each camera, and their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vision_ft.adaptation.decide import CameraScore, Metric
from vision_ft.errors import RecipeError
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.models.assemble import VisionModel

METRICS: dict[str, tuple[Metric, ...]] = {  # that may decide; the first is what "auto" means
    "classification": ("accuracy", "macro_f1"),
    "segmentation": ("miou", "dice", "pixel_accuracy"),
    "detection": ("map50", "map"),
}
JUDGED = ("val", "test")


class Judge(Protocol):
    """Tells what a model is worth on the pictures of both cameras.

    Predictions are those of the task, for rows of both cameras: `Predictions`, `MaskPredictions` or `BoxPredictions`,
    whose `ids` are rows of the table. The cameras are "old" and "new".

    Attributes:
        metric: that decides.
        alpha_step: every how manieth mixture of weights is looked at, as each costs a pass over val.
    """

    metric: Metric
    alpha_step: int

    def rows(self, split: str) -> np.ndarray:
        """Return the rows of a split that are answered."""

    def predict(
        self, model: VisionModel, rows: np.ndarray, *, head_only: bool = False, folder: Path | None = None
    ) -> Any:
        """Return a model's predictions for rows.

        Args:
            model: in any mode.
            rows: of one split; may be none.
            head_only: whether the backbone is the source's, so that cached features may serve.
            folder: of predictions that shall hold what does not fit into their file, such as label maps.
        """

    def calibrate(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return split -> predictions with what val settles, such as a temperature or thresholds."""

    def extra(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the model folder and metrics.json keep with calibrated predictions of val."""

    def numbers(self, predictions: Any, camera: str) -> dict[str, Any] | None:
        """Return one camera's {"n", "loss", value and interval of each metric}; None where nothing is labelled."""

    def score(self, predictions: Any, camera: str) -> CameraScore | None:
        """Return one camera's scores without intervals; None where nothing is labelled."""

    def change(self, before: Any, after: Any, camera: str) -> Difference | None:
        """Return after minus before in the metric on one camera, paired; None where nothing is labelled."""

    def write(self, file: Path, predictions: Any) -> None:
        """Write a predictions file."""

    def summarise(self, predictions: Any) -> dict[str, Any]:
        """Return the numbers of a split as metrics.json holds them."""


def resolve_metric(task: str, name: str) -> Metric:
    """Return the metric that decides.

    Raises:
        RecipeError: the task cannot be adapted, or has no such metric.
    """
    if task not in METRICS:
        raise RecipeError(f"task: got {task}; adapt works on runs of {', '.join(METRICS)}.")
    for metric in METRICS[task]:
        if name in ("auto", metric):
            return metric
    raise RecipeError(f'adapt.metric: got "{name}"; allowed for {task}: auto, {", ".join(METRICS[task])}.')
