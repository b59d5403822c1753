"""Scores of a candidate on both cameras, the choice of its mixture with the source, and its folder on disk."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from torch import nn

from vision_ft.adaptation.decide import AlphaPoint, CameraScore, choose_alpha, score_from
from vision_ft.data.labelled import labelled_rows
from vision_ft.engine.interpolate import mix_weights
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.read import read_any_predictions
from vision_ft.files import write_json
from vision_ft.models.folder import save_model
from vision_ft.new_camera.candidates import CANDIDATES
from vision_ft.new_camera.judging import JUDGED
from vision_ft.new_camera.material import Job, SkippedError, Tuned
from vision_ft.wiring.domains import NEW, OLD

ALPHAS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)


@dataclass(frozen=True)
class Outcome:
    """A candidate that was made, or why it was not.

    Attributes:
        name: its key in `CANDIDATES`.
        entry: its entry of adaptation.json, without what compares it with the source.
        predictions: split -> predictions for both cameras, `ids` are rows of the table; empty when skipped.
        phases: as plan.json lists them.
        history: lines of log.jsonl.
    """

    name: str
    entry: dict[str, Any]
    predictions: Mapping[str, Any]
    phases: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether there is a model."""
        return self.entry["status"] == "done"

    def camera_score(self, split: str, domain: str) -> CameraScore | None:
        """What it scores on one camera, None without labelled images."""
        return score_from(self.entry[split][domain])


def run_candidate(job: Job, name: str, folder: Path) -> Outcome:
    """Make a candidate, or read it when an interrupted job had finished it."""
    result = folder / "result.json"
    if result.is_file():
        return _read_outcome(name, folder)
    started = time.perf_counter()
    candidate = CANDIDATES[name]
    entry: dict[str, Any] = {
        "name": name,
        "title": candidate.title,
        "needs_labels": candidate.needs_labels,
        "baseline": candidate.is_baseline,
    }
    try:
        if candidate.needs_labels and not len(job.new_train):
            raise SkippedError("no labelled image of the new camera to train on.")
        tuned = candidate.make(job, folder)
    except SkippedError as skipped:
        outcome = Outcome(name, entry | _nothing(str(skipped)), {})
    else:
        outcome = _judge(job, name, tuned, folder, entry=entry, started=started)
    document = {"entry": outcome.entry, "phases": list(outcome.phases), "history": list(outcome.history)}
    write_json(result, document)
    rmtree(folder / "checkpoints", ignore_errors=True)  # of no use once the result is there
    return outcome


def _judge(job: Job, name: str, tuned: Tuned, folder: Path, *, entry: dict[str, Any], started: float) -> Outcome:
    alpha, points, note = _sweep(job, tuned) if tuned.interpolate else (None, [], "")
    judge, kept = job.judge, folder / "predictions"
    made = {
        split: judge.predict(tuned.model, judge.rows(split), head_only=tuned.head_only, folder=kept) for split in JUDGED
    }
    predictions = judge.settle(made)
    for split, one in predictions.items():
        judge.write(kept / f"{split}.parquet", one)
    save_model(
        tuned.model,
        folder / "model",
        classes=job.table.classes,
        preprocessing=tuned.model.backbone.preprocessing,
        extra={**judge.extra(predictions), "task": job.recipe.task, "candidate": name, "alpha": alpha},
    )
    entry |= {
        "status": "done",
        "reason": "",
        "alpha": alpha,
        "alphas": points,
        "seconds": round(time.perf_counter() - started, 2),
        "trained_parameters": tuned.trained_parameters,
        "notes": [*tuned.notes, *([note] if note else [])],
        **{split: {camera: judge.numbers(one, camera) for camera in (OLD, NEW)} for split, one in predictions.items()},
    }
    return Outcome(name, entry, predictions, tuple(tuned.phases), tuple(tuned.history))


def _sweep(job: Job, tuned: Tuned) -> tuple[float, list[dict[str, Any]], str]:
    """Load the best allowed mixture of source and tuned weights into the model; return alpha, the points, a note."""
    module: nn.Module = tuned.model.head if tuned.head_only else tuned.model
    start: nn.Module = job.source.head if tuned.head_only else job.source
    source = {name: value.clone() for name, value in start.state_dict().items()}
    weights = copy.deepcopy(module.state_dict())
    rows, judge, metric = labelled_rows(job.table, "val"), job.judge, job.judge.metric
    points = []
    for alpha in ALPHAS[:: judge.alpha_step]:
        module.load_state_dict(mix_weights(source, weights, alpha))
        made = judge.settle({"val": judge.predict(tuned.model, rows, head_only=tuned.head_only)})["val"]
        points.append(AlphaPoint(alpha, judge.score(made, OLD), judge.score(made, NEW)))
    choice = choose_alpha(points, limit=job.recipe.adapt.max_forgetting, metric=metric)
    module.load_state_dict(mix_weights(source, weights, choice.alpha))
    described = [
        {
            "alpha": point.alpha,
            "old": None if point.old is None else point.old.value(metric),
            "new": None if point.new is None else point.new.value(metric),
            "allowed": choice.allowed[point.alpha],
        }
        for point in points
    ]
    return choice.alpha, plain(described), choice.note


def _nothing(reason: str) -> dict[str, Any]:
    empty = {OLD: None, NEW: None}
    return {
        "status": "skipped",
        "reason": reason,
        "alpha": None,
        "alphas": [],
        "seconds": None,
        "trained_parameters": 0,
        "notes": [],
        "val": empty,
        "test": empty,
    }


def _read_outcome(name: str, folder: Path) -> Outcome:
    document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    files = {split: folder / "predictions" / f"{split}.parquet" for split in JUDGED}
    predictions = {split: read_any_predictions(file) for split, file in files.items() if file.is_file()}
    return Outcome(name, document["entry"], predictions, tuple(document["phases"]), tuple(document["history"]))
