"""The judge of classification: probabilities, log loss, accuracy and macro-F1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from vision_ft.adaptation.decide import CameraScore, Metric, score_from
from vision_ft.engine.features import load_cached
from vision_ft.engine.inference import predict_scores
from vision_ft.evaluate.calibration import fit_temperature
from vision_ft.evaluate.classification.metrics import Answers, summarise
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.forgetting import change_of, summarise_camera
from vision_ft.models.assemble import VisionModel
from vision_ft.types import UNLABELLED
from vision_ft.wiring.candidate_trainer import CandidateTrainer
from vision_ft.wiring.domains import domains


class LabelJudge:
    """Judges classifiers; see `Judge`.

    Args:
        bench: pictures of both cameras.
        source: whose backbone's features are cached.
        metric: that decides.
        seed: of the bootstraps.
    """

    alpha_step = 1  # cached features make most mixtures cheap

    def __init__(self, bench: CandidateTrainer, source: VisionModel, metric: Metric, *, seed: int) -> None:
        self.bench, self.source, self.metric, self.seed = bench, source, metric, seed
        self.table = bench.table

    def rows(self, split: str) -> np.ndarray:
        """Return all rows of a split: those without a label are answered too."""
        return self.table.rows(split)

    def predict(
        self, model: VisionModel, rows: np.ndarray, *, head_only: bool = False, folder: Path | None = None
    ) -> Predictions:
        """Return a model's predictions for rows; the group is the camera's name."""
        del folder
        scores = self._scores(model, rows, head_only=head_only)
        return Predictions(
            classes=self.table.classes.names,
            paths=[self.table.relative_path(int(row)) for row in rows],
            targets=self.table.labels[rows].astype(np.int64),
            predicted=scores.argmax(axis=1).astype(np.int64) if len(rows) else np.zeros(0, np.int64),
            scores=scores,
            groups=domains(self.table)[rows],
            ids=rows,
        )

    def _scores(self, model: VisionModel, rows: np.ndarray, *, head_only: bool) -> np.ndarray:
        """Return probabilities (N, K); with `head_only` from the cached features of the source's backbone."""
        decode, runtime = self.bench.task.decode, self.bench.services.runtime
        if not len(rows):
            return np.zeros((0, len(self.table.classes)), dtype=np.float32)
        if head_only:
            vectors = self.bench.features_of(self.source)("features", rows, 1)[0]
            load = load_cached(vectors, rows, self.table.labels)
            head: nn.Module = model.head
            return predict_scores(head, load, rows, decode=decode, runtime=runtime)
        return predict_scores(model, self.bench.load_eval, rows, decode=decode, runtime=runtime)

    def calibrate(self, made: Mapping[str, Predictions]) -> dict[str, Predictions]:
        """Return split -> predictions with the temperature that fits val."""
        val = made["val"]
        temperature = 1.0 if val.scores is None else fit_temperature(val.targets, val.scores)
        return {split: replace(one, temperature=temperature) for split, one in made.items()}

    def extra(self, made: Mapping[str, Predictions]) -> dict[str, Any]:
        """Return the temperature."""
        return {"temperature": made["val"].temperature}

    def numbers(self, predictions: Predictions, camera: str) -> dict[str, Any] | None:
        """Return one camera's numbers; see `summarise_camera`."""
        answers, groups = self._answers(predictions, camera)
        return summarise_camera(answers, groups=groups, seed=self.seed)

    def score(self, predictions: Predictions, camera: str) -> CameraScore | None:
        """Return one camera's scores."""
        return score_from(self.numbers(predictions, camera))

    def change(self, before: Predictions, after: Predictions, camera: str) -> Difference | None:
        """Return after minus before in the metric on one camera, paired; None where nothing is labelled."""
        first, groups = self._answers(before, camera)
        second, _ = self._answers(after, camera)
        if not len(first.targets):
            return None
        return change_of(first, second, metric=self.metric, groups=groups, seed=self.seed)

    def _answers(self, predictions: Predictions, camera: str) -> tuple[Answers, np.ndarray | None]:
        """Return one camera's labelled answers and their groups."""
        rows = np.asarray(predictions.ids)
        chosen = (domains(self.table)[rows] == camera) & (predictions.targets != UNLABELLED)
        groups = self.table.groups
        answers = Answers(
            predictions.targets[chosen],
            predictions.predicted[chosen],
            len(predictions.classes),
            None if predictions.scores is None else predictions.scores[chosen],
        )
        return answers, None if groups is None else groups[rows[chosen]]

    def write(self, file: Path, predictions: Predictions) -> None:
        """Write a predictions file."""
        write_predictions(file, predictions)

    def summarise(self, predictions: Predictions) -> dict[str, Any]:
        """Return the numbers of a split as metrics.json holds them."""
        return summarise(
            predictions.targets,
            predictions.scores,
            predictions.predicted,
            classes=predictions.classes,
            groups=predictions.groups,
            temperature=predictions.temperature,
            seed=self.seed,
        )
