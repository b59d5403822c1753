"""Several labels a picture: a probability for each label by itself; binary cross-entropy or the asymmetric loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from timm.loss.asymmetric_loss import AsymmetricLossMultiLabel
from torch import Tensor

from vision_ft.data.several_labels import label_matrix
from vision_ft.deploy.multilabel import MultiLabelPredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.labels.metrics import (
    AVERAGES,
    DEFAULT_THRESHOLD,
    average_precision,
    best_thresholds,
    count_labels,
    log_loss,
)
from vision_ft.evaluate.labels.predictions import LabelPredictions
from vision_ft.evaluate.scoring.multilabel import SCORING
from vision_ft.tasks.loss_batches import several_labels
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.spec import Judging, Loss, TaskSpec
from vision_ft.types import Target

LARGEST_WEIGHT = 100.0  # a label that applies to one picture of ten thousand would drown all others


def positive_weights(label_counts: np.ndarray) -> np.ndarray:
    """Return the weight (K,) of each label's positive part: pictures without it for each one with it, at most 100.

    Args:
        label_counts: (2, K) pictures that lack and that have each label. A label that applies nowhere gets 1.
    """
    without, having = np.asarray(label_counts, np.float64)
    return np.where(having > 0, np.clip(without / np.maximum(having, 1), 1 / LARGEST_WEIGHT, LARGEST_WEIGHT), 1.0)


def label_loss(class_counts: np.ndarray, *, name: str, imbalance: str = "none", label_smoothing: float = 0.0) -> Loss:
    """Build the mean loss of logits (B, K) over the labels (B, K) that are known, that is, not NaN.

    A batch without any known label gives 0, with a gradient of 0.

    Args:
        class_counts: (2, K) training pictures that are known to lack, and to have, each label.
        name: "bce", or "asymmetric": the loss of Ridnik 2021 (arXiv:2009.14119, sec. 2), which turns away from the many
            easy negatives.
        imbalance: "none", or "weights" to weigh the positive part of "bce" by negatives per positive.
        label_smoothing: share of each target moved to 0.5.

    Raises:
        RecipeError: the imbalance mode is unknown, or does not go with the loss.
    """
    if imbalance not in ("none", "weights"):
        raise RecipeError(f'optim.imbalance: got "{imbalance}"; allowed for multilabel: none, weights.')
    if name == "asymmetric" and imbalance != "none":
        raise RecipeError(
            'optim.imbalance: "weights" does not go with optim.loss "asymmetric", which treats rare labels by itself. '
            "Drop one of the two."
        )
    weight = torch.tensor(positive_weights(class_counts), dtype=torch.float32) if imbalance == "weights" else None
    asymmetric = AsymmetricLossMultiLabel() if name == "asymmetric" else None

    def loss(logits: Tensor, target: Target) -> Tensor:
        if target.labels is None:
            raise ValueError("multilabel needs target.labels")
        logits, labels = logits.float(), target.labels.float()
        known = ~labels.isnan()
        if not known.any():
            return logits.sum() * 0
        labels = labels * (1 - label_smoothing) + label_smoothing / 2
        if asymmetric is not None:  # one row of all known labels: what timm sums over classes is then all of it
            total: Tensor = asymmetric(logits[known][None], labels[known][None])
            return total / known.sum()
        positive = None if weight is None else weight.to(logits.device).expand_as(logits)[known]
        return F.binary_cross_entropy_with_logits(logits[known], labels[known], pos_weight=positive)

    return loss


LOSSES = loss_registry({name: partial(label_loss, name=name) for name in ("bce", "asymmetric")})


def build_loss(
    class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Build one of `LOSSES`, or "auto", for logits (B, K); see `label_loss`.

    Raises:
        RecipeError: the loss or the imbalance mode is unknown, or they do not go together.
    """
    return build_named(
        LOSSES, class_counts, task="multilabel", name=name, imbalance=imbalance, label_smoothing=label_smoothing
    )


def decode(logits: Tensor, _target: Target) -> Tensor:
    """Map logits (B, K) to a probability for each label (B, K)."""
    return logits.float().sigmoid()


def score(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Score probabilities (N, K) against labels (N, K), NaN = not known.

    Macro-F1 is that at the F1-best thresholds of these very pictures: those that a run keeps, so that an epoch is not
    punished for probabilities that are all low.
    """
    if not len(labels):
        return {"loss": float("nan"), "macro_f1": float("nan"), "map": float("nan")}
    predicted = scores >= best_thresholds(labels, scores)
    counts, precision = count_labels(labels, predicted), average_precision(labels, scores)
    averages = {name: float(AVERAGES[name](counts, precision)) for name in ("macro_f1", "map")}
    return {"loss": log_loss(labels, scores), **averages}


def confidence(logits: Tensor, _target: Target) -> Tensor:
    """Return the mean (B,) over the labels of the probability of what is more probable: that it applies, or not."""
    scores = logits.float().sigmoid()
    return torch.maximum(scores, 1 - scores).mean(dim=1)


def collect(where: Judging, rows: np.ndarray, answers: Sequence[np.ndarray]) -> LabelPredictions:
    """Put probabilities (K,) of rows together with what the table knows of them."""
    classes = where.table.classes.names
    return LabelPredictions(
        classes=classes,
        targets=label_matrix(where.table)[rows],
        scores=np.stack(answers) if len(rows) else np.zeros((0, len(classes)), np.float32),
        thresholds=np.full(len(classes), DEFAULT_THRESHOLD),
        **where.about(rows),
    )


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=SCORING.selecting,
    collect=collect,
    predictor=MultiLabelPredictor,
    confidence=confidence,
    losses=LOSSES,
    loss_batch=several_labels,
    heads="classification",
)
