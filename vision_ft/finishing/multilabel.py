"""The end of a multilabel run: thresholds fitted on val, predictions, metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vision_ft.data.several_labels import label_matrix
from vision_ft.evaluate.labels.metrics import DEFAULT_THRESHOLD, best_thresholds
from vision_ft.evaluate.labels.multilabel import summarise_labels
from vision_ft.evaluate.labels.predictions import LabelPredictions, write_label_predictions
from vision_ft.finishing.material import JUDGED, Finish


def finish(done: Finish) -> None:
    """Score val and test, choose each label's threshold on val, write predictions, metrics and the model folder."""
    found: dict[str, LabelPredictions] = {}
    for split in JUDGED:
        rows = done.labelled(split)
        if len(rows):
            found[split] = _predict(done, split, rows)
    if not done.run.runtime.is_main:
        return
    names = done.table.classes.names
    val = found.get("val")
    fixed = np.full(len(names), DEFAULT_THRESHOLD)
    thresholds = fixed if val is None else best_thresholds(val.targets, val.scores)
    splits = {}
    for split, made in found.items():
        predictions = replace(made, thresholds=thresholds)
        write_label_predictions(done.folder.predictions(split), predictions)
        splits[split] = summarise_labels(predictions, seed=done.recipe.run.seed)
    done.write(splits, extra={"thresholds": dict(zip(names, thresholds.tolist(), strict=True))})


def _predict(done: Finish, split: str, rows: np.ndarray) -> LabelPredictions:
    return LabelPredictions(
        classes=done.table.classes.names,
        paths=done.paths_of(rows),
        targets=label_matrix(done.table)[rows],
        scores=done.scores(split, rows),
        thresholds=np.full(len(done.table.classes), DEFAULT_THRESHOLD),
        groups=done.groups_of(rows),
        ids=rows,
    )
