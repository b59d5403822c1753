"""What to do next: how many labels to buy, which images to label, and what a random split would have claimed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.adaptation.budget import label_budget_curve
from vision_ft.adaptation.honest_split import compare_splits
from vision_ft.adaptation.linear_head import LabelledFeatures
from vision_ft.adaptation.next_labels import choose_next, to_rows
from vision_ft.data.kinds import KINDS
from vision_ft.data.labelled import is_labelled
from vision_ft.new_camera.material import Job
from vision_ft.new_camera.measures import Seen
from vision_ft.new_camera.scoring import Outcome
from vision_ft.wiring.domains import NEW, domains

TO_LABEL = "to_label.csv"


@dataclass(frozen=True)
class Advice:
    """Entries of adaptation.json; None where there is nothing to say.

    Attributes:
        budget: the label-budget curve.
        next_labels: images to label next.
        honest_split: an honest and a random split of the new camera.
    """

    budget: dict[str, Any] | None
    next_labels: dict[str, Any] | None
    honest_split: dict[str, Any] | None


def advise(job: Job, seen: Seen, source: Outcome) -> Advice:
    """Work out the advice on cached features; the curve needs a task with a probe, the splits one label per image."""
    usable = labelled_rows_of(job, "train", "val")
    test = labelled_rows_of(job, "test")
    split = None
    if seen.scores is not None:
        every = np.concatenate([usable, test])
        split = compare_splits(_labelled(job, seen, every, tied=True), seed=job.recipe.run.seed)
    return Advice(_budget(job, seen, source, usable=usable, test=test), _next_labels(job, seen, usable), split)


def _budget(job: Job, seen: Seen, source: Outcome, *, usable: np.ndarray, test: np.ndarray) -> dict[str, Any] | None:
    """Return the curve over numbers of labels; None where the task has no probe."""
    probe = job.bench.task.probe
    if probe is None:
        return None
    entry = source.entry["test"][NEW]
    return label_budget_curve(
        _labelled(job, seen, usable),
        _labelled(job, seen, test),
        old=_labelled(job, seen, job.old_train),
        fit=lambda rows, weights: probe.fit(rows.features, rows.labels, weights),
        score=probe.score,
        metric=job.judge.scoring.info(probe.metric),
        source=None if entry is None else entry[probe.metric],
        seed=job.recipe.run.seed,
    )


def labelled_rows_of(job: Job, *splits: str) -> np.ndarray:
    """Return the labelled rows of the new camera in some splits."""
    chosen = (domains(job.table) == NEW) & is_labelled(job.table) & np.isin(job.table.splits, splits)
    return np.flatnonzero(chosen)


def _labelled(job: Job, seen: Seen, rows: np.ndarray, *, tied: bool = False) -> LabelledFeatures:
    """Features of labelled rows; with `tied`, near-duplicates without a group count as one."""
    groups = None if job.table.groups is None else job.table.groups[rows]
    if tied:
        clusters = job.table.arrow.column("cluster").to_pylist()
        groups = np.array(
            [
                None if clusters[row] is None and groups is None else _unit(groups, clusters, index, int(row))
                for index, row in enumerate(rows)
            ],
            dtype=object,
        )
    labels = KINDS[job.table.task].labels(job.table)
    return LabelledFeatures(seen.features[seen.of(rows)], labels[rows], groups)


def _unit(groups: np.ndarray | None, clusters: list[int | None], index: int, row: int) -> str | None:
    if groups is not None and groups[index] is not None:
        return str(groups[index])
    return None if clusters[row] is None else f"near-duplicates {clusters[row]}"


def _next_labels(job: Job, seen: Seen, labelled: np.ndarray) -> dict[str, Any] | None:
    """Rank the images of the new camera that have no label in use; test images keep out."""
    count = job.recipe.adapt.next_labels
    table = job.table
    pool = job.unlabelled[~np.isin(job.unlabelled, labelled)]
    if not count or not len(pool):
        return None
    at, known = seen.of(pool), seen.of(labelled)
    clusters = np.array([-1 if one is None else one for one in table.arrow.column("cluster").to_pylist()])[pool]
    chosen = choose_next(
        seen.features[at],
        _scores(job, seen, pool),
        labelled_features=seen.features[known] if len(known) else None,
        clusters=clusters,
        count=count,
        seed=job.recipe.run.seed,
    )
    paths = [table.relative_path(int(row)) for row in pool]
    rows = to_rows(chosen, paths=paths, classes=table.classes.names if seen.scores is not None else ("", ""))
    return {"count": len(rows), "file": TO_LABEL, "rows": rows} if rows else None


def _scores(job: Job, seen: Seen, pool: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) of the source; without one label an image (N, 2), sure and not, from its confidence."""
    if seen.scores is not None:
        return seen.scores[seen.of(pool)]
    sure = job.judge.confidence(job.source, pool).clip(0.5, 1.0)  # of several classes the best may have less than half
    return np.stack([sure, 1 - sure], axis=1)


def new_root(job: Job) -> Path:
    """Folder that the paths of the new camera's own index start from."""
    config = job.recipe.data
    path = Path(config.root or config.path).absolute()
    return path if path.is_dir() else path.parent
