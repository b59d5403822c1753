"""The judges of masks and boxes: mIoU or mAP in the pixels of the pictures, changes by a paired bootstrap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vision_ft.adaptation.decide import CameraScore, Metric
from vision_ft.data.labelled import labelled_rows
from vision_ft.engine.inference import Decode, predict_answers
from vision_ft.evaluate.boxes.predictions import BoxPredictions, write_box_predictions
from vision_ft.evaluate.boxes.summary import best_thresholds, summarise_boxes
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.comparing.paired_dense import Drawn, change_between, draw_metrics
from vision_ft.evaluate.dense_tasks import DENSE_TASKS
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.masks.predictions import MaskPredictions, write_mask_predictions
from vision_ft.evaluate.masks.summary import summarise_masks
from vision_ft.evaluate.read import take_rows
from vision_ft.finishing.detection import collect_boxes, in_picture_pixels, name_thresholds
from vision_ft.finishing.segmentation import collect_masks, mask_judge, median_size
from vision_ft.models.assemble import VisionModel
from vision_ft.types import Batch, Detections
from vision_ft.wiring.candidate_trainer import CandidateTrainer
from vision_ft.wiring.domains import NEW, OLD, domains

MIN_SCORE = 0.2  # of a box that may be an object; a detector gives many that it takes for none


class DenseJudge(ABC):
    """Judges models that answer with masks or boxes; see `Judge`.

    Args:
        bench: pictures of both cameras.
        metric: that decides.
        seed: of the bootstraps.
    """

    alpha_step = 2  # each mixture is a pass over val: five in place of nine

    def __init__(self, bench: CandidateTrainer, metric: Metric, *, seed: int) -> None:
        self.bench, self.metric, self.seed = bench, metric, seed
        self.table = bench.table
        self._drawn: dict[tuple[int, str], tuple[Any, Drawn]] = {}  # of the source, which all others are held against

    def rows(self, split: str) -> np.ndarray:
        """Return the rows of a split whose mask or boxes are known."""
        return labelled_rows(self.table, split)

    @abstractmethod
    def confidence(self, model: VisionModel, rows: np.ndarray) -> np.ndarray:
        """Return how sure a model is of rows (N,), in [0, 1]."""

    def _answer(self, model: VisionModel, rows: np.ndarray, decode: Decode) -> list[Any]:
        return predict_answers(model, self.bench.load_eval, rows, decode=decode, runtime=self.bench.services.runtime)

    def calibrate(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return the predictions: nothing of them is settled on val."""
        return dict(made)

    def extra(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return the usual size of a picture: the larger one of the two cameras', whose pictures are answered whole."""
        del made
        sizes = [median_size(self.table, rows) for rows in map(self._typical_rows, (OLD, NEW)) if len(rows)]
        return {"picture_size": [max(sides) for sides in zip(*sizes, strict=True)]}

    def _typical_rows(self, camera: str) -> np.ndarray:
        chosen = domains(self.table) == camera
        trained = chosen & (self.table.splits == "train")
        return np.flatnonzero(trained if trained.any() else chosen)

    def numbers(self, predictions: Any, camera: str) -> dict[str, Any] | None:
        """Return {"n", "loss" (not known), a value and an interval for each metric} of one camera."""
        score = self.score(predictions, camera)
        if score is None:
            return None
        intervals = DENSE_TASKS[predictions.task].intervals(self._of(predictions, camera), self.seed)
        ends = {f"{name}_interval": interval for name, interval in intervals.items()}
        numbers: dict[str, Any] = plain({"n": score.n, **score.others, **ends, "loss": None})
        return numbers

    def score(self, predictions: Any, camera: str) -> CameraScore | None:
        """Return one camera's scores; None where no picture has a pixel or a box that counts."""
        chosen = self._of(predictions, camera)
        values = chosen.headline() if len(chosen) else {}
        if not values or np.isnan(values[self.metric]):
            return None
        return CameraScore(len(chosen), np.nan, np.nan, others=values)

    def change(self, before: Any, after: Any, camera: str) -> Difference | None:
        """Return after minus before in the metric on one camera, paired; None where nothing is labelled."""
        if self.score(before, camera) is None:
            return None
        known = self._drawn.get((id(before), camera))
        if known is None:  # kept with what it was drawn from, so that no other object gets its id
            known = self._drawn[(id(before), camera)] = before, self._draw(before, camera)
        return change_between(known[1], self._draw(after, camera), self.metric)

    def _draw(self, predictions: Any, camera: str) -> Drawn:
        chosen = self._of(predictions, camera)
        groups = None if self.table.groups is None else self.table.groups[chosen.ids]
        return draw_metrics(chosen, groups=groups, seed=self.seed)

    def _of(self, predictions: Any, camera: str) -> Any:
        return take_rows(predictions, domains(self.table)[predictions.ids] == camera)


class MaskJudge(DenseJudge):
    """Judges masks; see `Judge`."""

    def predict(
        self, model: VisionModel, rows: np.ndarray, *, head_only: bool = False, folder: Path | None = None
    ) -> MaskPredictions:
        """Return a model's masks of rows, judged in the pixels of the pictures; `folder` gets the label maps."""
        del head_only  # maps are not cached here
        split = str(self.table.splits[rows[0]]) if len(rows) else ""
        decode = mask_judge(self.table, model.backbone.preprocessing, folder=folder, split=split)
        return collect_masks(self.table, rows, self._answer(model, rows, decode))

    def write(self, file: Path, predictions: MaskPredictions) -> None:
        """Write a predictions file."""
        write_mask_predictions(file, predictions)

    def summarise(self, predictions: MaskPredictions) -> dict[str, Any]:
        """Return the numbers of a split as metrics.json holds them."""
        return summarise_masks(predictions, seed=self.seed)

    def confidence(self, model: VisionModel, rows: np.ndarray) -> np.ndarray:
        """Return how sure a model is of rows (N,): mean over the pixels of the probability of the best class."""

        def decode(logits: Tensor, _batch: Batch) -> Tensor:
            return logits.float().softmax(dim=1).amax(dim=1).mean(dim=(1, 2))

        return np.array(self._answer(model, rows, decode), dtype=np.float64)


class BoxJudge(DenseJudge):
    """Judges boxes; see `Judge`."""

    def predict(
        self, model: VisionModel, rows: np.ndarray, *, head_only: bool = False, folder: Path | None = None
    ) -> BoxPredictions:
        """Return a model's boxes in rows, in the pixels of the pictures."""
        del head_only, folder
        preprocessing = model.backbone.preprocessing
        answers = self._answer(model, rows, in_picture_pixels(self.table, preprocessing))
        return collect_boxes(self.table, preprocessing, rows=rows, answers=answers)

    def calibrate(self, made: Mapping[str, BoxPredictions]) -> dict[str, BoxPredictions]:
        """Return split -> predictions with the thresholds that are best on val."""
        thresholds = best_thresholds(made["val"])
        return {split: one.with_thresholds(thresholds) for split, one in made.items()}

    def extra(self, made: Mapping[str, BoxPredictions]) -> dict[str, Any]:
        """Return the thresholds, and the usual size of a picture."""
        return {"thresholds": name_thresholds(self.table, made["val"].cutoffs), **super().extra(made)}

    def write(self, file: Path, predictions: BoxPredictions) -> None:
        """Write a predictions file."""
        write_box_predictions(file, predictions)

    def summarise(self, predictions: BoxPredictions) -> dict[str, Any]:
        """Return the numbers of a split as metrics.json holds them."""
        return summarise_boxes(predictions, seed=self.seed)

    def confidence(self, model: VisionModel, rows: np.ndarray) -> np.ndarray:
        """Return how sure a model is of rows (N,): mean over its boxes of the score, or of 1 - score if that is larger.

        Brust 2018 (arXiv:1809.09875, sec. 3.2, "average"), over the boxes of at least `MIN_SCORE`. 1 without any.
        """

        def decode(found: list[Detections], _batch: Batch) -> list[float]:
            return [_mean_confidence(one.scores.float().cpu().numpy()) for one in found]

        return np.array(self._answer(model, rows, decode), dtype=np.float64)


def _mean_confidence(scores: np.ndarray) -> float:
    shown = scores[scores >= MIN_SCORE]
    return float(np.maximum(shown, 1 - shown).mean()) if len(shown) else 1.0
