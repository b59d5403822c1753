"""Several label columns: cross-entropy over the known labels of each column, probabilities column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vision_ft.data.several_labels import label_columns, label_matrix
from vision_ft.deploy.columns import ColumnsPredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.labels.predictions import ColumnPredictions
from vision_ft.evaluate.scoring.multitask import SCORING
from vision_ft.tasks import classification
from vision_ft.tasks.loss_batches import several_columns
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.spec import Judging, Loss, TaskSpec
from vision_ft.types import CLASSIFICATION, MULTITASK, UNLABELLED, Target


def bind(sizes: Sequence[int]) -> TaskSpec:
    """Return the task for label columns with so many classes each.

    Args:
        sizes: (T,) numbers of classes, which sum to the K outputs of the model.
    """
    widths = [int(size) for size in sizes]

    def build(
        class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
    ) -> Loss:
        return build_loss(class_counts, sizes=widths, name=name, imbalance=imbalance, label_smoothing=label_smoothing)

    def decode(logits: Tensor, _target: Target) -> Tensor:
        """Map logits (B, K) to probabilities (B, K); those of each column sum to 1."""
        return torch.cat([part.softmax(dim=1) for part in logits.float().split(widths, dim=1)], dim=1)

    def score(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        return score_columns(scores, labels, sizes=widths)

    def confidence(logits: Tensor, _target: Target) -> Tensor:
        """Return the mean (B,) over the columns of the probability of the most probable class."""
        parts = logits.float().split(widths, dim=1)
        return torch.stack([part.softmax(dim=1).amax(dim=1) for part in parts], dim=1).mean(dim=1)

    return TaskSpec(
        build_loss=build,
        decode=decode,
        score=score,
        metrics=SCORING.selecting,
        collect=collect,
        predictor=ColumnsPredictor,
        confidence=confidence,
        losses=LOSSES,
        loss_batch=several_columns,
        heads=CLASSIFICATION,
    )


def columns_cross_entropy(
    class_counts: np.ndarray, *, sizes: Sequence[int], imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Build the sum over columns of the cross-entropy of logits (B, K) against labels (B, T), -1 = missing.

    A column's part is the mean over its known labels; without one in the batch it gives 0, with a gradient of 0.

    Args:
        class_counts: (K,) training images of each class, column after column.
        sizes: classes of each column.
        imbalance: "none", "weights" or "logit-adjust", within each column; see `classification.cross_entropy`.
        label_smoothing: share of the target spread evenly over the classes of its column.

    Raises:
        RecipeError: the imbalance mode cannot be used.
    """
    if imbalance not in ("none", "weights", "logit-adjust"):
        raise RecipeError(f'optim.imbalance: got "{imbalance}"; allowed for multitask: none, weights, logit-adjust.')
    borders = np.cumsum(sizes)[:-1]
    parts = [
        classification.cross_entropy(counts, imbalance=imbalance, label_smoothing=label_smoothing)
        for counts in np.split(np.asarray(class_counts), borders)
    ]

    def loss(logits: Tensor, target: Target) -> Tensor:
        if target.labels is None:
            raise ValueError("multitask needs target.labels")
        total = logits.float().sum() * 0
        for own, labels, part in zip(logits.split(list(sizes), dim=1), target.labels.T, parts, strict=True):
            known = labels != UNLABELLED
            if known.any():
                total = total + part(own[known], Target(labels=labels[known]))
        return total

    return loss


LOSSES = loss_registry({"cross-entropy": columns_cross_entropy})


def build_loss(
    class_counts: np.ndarray,
    *,
    sizes: Sequence[int],
    name: str = "auto",
    imbalance: str = "none",
    label_smoothing: float = 0.0,
) -> Loss:
    """Build one of `LOSSES`, or "auto", for label columns of so many classes each; see `columns_cross_entropy`.

    Raises:
        RecipeError: the loss or the imbalance mode cannot be used.
    """
    return build_named(
        LOSSES,
        class_counts,
        task=MULTITASK,
        name=name,
        sizes=sizes,
        imbalance=imbalance,
        label_smoothing=label_smoothing,
    )


def score_columns(scores: np.ndarray, labels: np.ndarray, *, sizes: Sequence[int]) -> dict[str, float]:
    """Score probabilities (N, K) against labels (N, T): sum of the log losses, means of accuracy and macro-F1.

    Columns without a known label are left out of the means.
    """
    if not len(labels):
        return {"loss": float("nan"), "accuracy": float("nan"), "macro_f1": float("nan")}
    found = []
    for own, column in zip(np.split(scores, np.cumsum(sizes)[:-1], axis=1), labels.T, strict=True):
        known = column != UNLABELLED
        if known.any():
            found.append(classification.score(own[known], column[known]))
    if not found:
        return score_columns(scores[:0], labels[:0], sizes=sizes)
    return {
        "loss": float(sum(one["loss"] for one in found)),
        **{name: float(np.mean([one[name] for one in found])) for name in ("accuracy", "macro_f1")},
    }


def collect(where: Judging, rows: np.ndarray, outputs: Sequence[np.ndarray]) -> ColumnPredictions:
    """Put probabilities (K,) of rows together with what the table knows of them."""
    columns = label_columns(where.table)
    width = sum(len(column.classes) for column in columns)
    return ColumnPredictions(
        columns=columns,
        targets=label_matrix(where.table)[rows],
        scores=np.stack(outputs) if len(rows) else np.zeros((0, width), np.float32),
        temperatures=np.ones(len(columns)),
        **where.about(rows),
    )


TASK = replace(bind(()), bind=bind)  # what is known of it before the columns are
