"""What a model is worth on each camera: predictions of the images of both, judged by the scoring of the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.adaptation.decide import CameraScore
from vision_ft.data.kinds import KINDS
from vision_ft.data.labelled import labelled_rows
from vision_ft.data.loading.targets import Truth
from vision_ft.data.sizes import median_size
from vision_ft.engine.features import load_cached
from vision_ft.engine.inference import Decode, predict_outputs
from vision_ft.errors import RecipeError
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.read import take_rows
from vision_ft.evaluate.scoring import SCORINGS
from vision_ft.models.assemble import VisionModel
from vision_ft.models.heads import HEADS
from vision_ft.tasks.spec import Judging
from vision_ft.wiring.candidate_trainer import CandidateTrainer
from vision_ft.wiring.domains import NEW, OLD, domains
from vision_ft.wiring.targets import build_targets

JUDGED = ("val", "test")


class Judge:
    """Judges models of one task on the images of the old and the new camera.

    Predictions are those of the task; their `ids` are rows of the table, which know the camera.

    Args:
        bench: images of both cameras.
        source: whose backbone's features are cached, where its head reads such.
        metric: that decides.
        seed: of the bootstraps.
    """

    def __init__(self, bench: CandidateTrainer, source: VisionModel, metric: str, *, seed: int) -> None:
        self.bench, self.source, self.metric, self.seed = bench, source, metric, seed
        self.table, self.task = bench.table, bench.task
        self.scoring = SCORINGS[bench.recipe.task]
        # what the source's predictions are held against, kept with them, so that no other object gets their id
        self._against: dict[tuple[int, str], tuple[Any, Callable[[Any], Difference]]] = {}

    @property
    def reads_features(self) -> bool:
        """Whether the head reads pooled features, which are cached while the backbone is the source's."""
        return reads_features(self.source)

    @property
    def alpha_step(self) -> int:
        """Evaluate every n-th mixing weight: without cached features each one is a pass over val."""
        return 1 if self.reads_features else 2

    @cached_property
    def truth(self) -> Truth:
        """What is true of the images."""
        return build_targets(self.table, self.bench.preprocessing)

    def rows(self, split: str) -> np.ndarray:
        """Return the rows of a split that are predicted."""
        return self.table.rows(split) if self.task.predicts_unlabelled else labelled_rows(self.table, split)

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
        split = str(self.table.splits[rows[0]]) if len(rows) else ""
        where = Judging(self.table, self.truth, model.backbone.preprocessing, split, folder)
        decode: Decode = (
            (lambda outputs, batch: self.task.decode(outputs, batch.target))
            if self.task.read_out is None
            else self.task.read_out(where)
        )
        return self.task.collect(where, rows, self._outputs(model, rows, decode, head_only=head_only))

    def confidence(self, model: VisionModel, rows: np.ndarray) -> np.ndarray:
        """Return how sure a model, whose backbone is the source's, is of rows (N,), in [0, 1]."""
        decode: Decode = lambda outputs, batch: self.task.confidence(outputs, batch.target)  # noqa: E731 - two words
        return np.array(self._outputs(model, rows, decode, head_only=True), dtype=np.float64)

    def _outputs(self, model: VisionModel, rows: np.ndarray, decode: Decode, *, head_only: bool) -> Sequence[Any]:
        """Return what is decoded for each row; of cached features with `head_only`, where the head reads such."""
        runtime = self.bench.services.runtime
        if not len(rows):
            return []
        if head_only and self.reads_features:
            vectors = self.bench.features_of(self.source)("features", rows, 1)[0]
            load = load_cached(vectors, rows, KINDS[self.table.task].labels(self.table))
            return predict_outputs(model.head, load, rows, decode=decode, runtime=runtime)
        return predict_outputs(model, self.bench.load_eval, rows, decode=decode, runtime=runtime)

    def settle(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return split -> predictions with what val settles, such as a temperature or thresholds."""
        return self.scoring.settle(made)

    def extra(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the model folder and metrics.json keep with settled predictions of val.

        The usual size of an image is the larger one of the two cameras', whose images are predicted whole.
        """
        settled = self.scoring.settled(made["val"])
        if not self.task.keeps_image_size:
            return settled
        sizes = [median_size(self.table, rows) for rows in map(self._typical_rows, (OLD, NEW)) if len(rows)]
        return settled | {"picture_size": [max(sides) for sides in zip(*sizes, strict=True)]}

    def _typical_rows(self, camera: str) -> np.ndarray:
        chosen = domains(self.table) == camera
        trained = chosen & (self.table.splits == "train")
        return np.flatnonzero(trained if trained.any() else chosen)

    def numbers(self, predictions: Any, camera: str) -> dict[str, Any] | None:
        """Return one camera's {"n", "loss", value and interval of each metric}; None where nothing can be judged."""
        return self.scoring.numbers(self._of(predictions, camera), seed=self.seed)

    def score(self, predictions: Any, camera: str) -> CameraScore | None:
        """Return one camera's scores without intervals; None where nothing can be judged."""
        chosen = self._of(predictions, camera)
        count = int(self.scoring.judged(chosen).sum())
        values = self.scoring.headline(chosen) if count else {}
        if not values or np.isnan(values[self.metric]):
            return None
        return CameraScore(count, values, self.scoring.loss(chosen))

    def change(self, before: Any, after: Any, camera: str) -> Difference | None:
        """Return after minus before in the metric on one camera, paired; None where nothing can be judged."""
        if self.score(before, camera) is None:
            return None
        known = self._against.get((id(before), camera))
        if known is None:
            held = self.scoring.against(self._of(before, camera), self.metric, seed=self.seed)
            known = self._against[(id(before), camera)] = before, held
        return known[1](self._of(after, camera))

    def write(self, file: Path, predictions: Any) -> None:
        """Write a predictions file."""
        self.scoring.write(file, predictions)

    def summarise(self, predictions: Any) -> Any:
        """Return the numbers of a split as metrics.json holds them."""
        return self.scoring.summarise(predictions, seed=self.seed)

    def _of(self, predictions: Any, camera: str) -> Any:
        return take_rows(predictions, domains(self.table)[predictions.ids] == camera)


def reads_features(model: VisionModel) -> bool:
    """Whether a model's head reads the pooled features of its backbone."""
    return HEADS[model.head_name].takes == "pooled"


def resolve_metric(task: str, name: str) -> str:
    """Return the metric that decides; "auto" is the one that gates the task.

    Raises:
        RecipeError: the task has no such metric.
    """
    scoring = SCORINGS[task]
    if name == "auto":
        return scoring.gates
    allowed = [metric for metric in scoring.names if metric in scoring.selecting]
    if name not in allowed:
        raise RecipeError(f'adapt.metric: got "{name}"; allowed for {task}: auto, {", ".join(allowed)}.')
    return name
