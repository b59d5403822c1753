"""Single-label classification: cross-entropy with four answers to imbalance, softmax, accuracy and macro-F1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vision_ft.deploy.labels import LabelPredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.calibration import log_loss
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.scoring.classification import SCORING
from vision_ft.tasks.convex import fit_linear
from vision_ft.tasks.loss_batches import one_label
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.probe import Probe
from vision_ft.tasks.spec import HeadFit, Judging, Loss, TaskSpec
from vision_ft.types import Target

Imbalance = Literal["none", "weights", "sampler", "logit-adjust"]
# Measured with ResNet-18 features at 96 px (office_cameras amazon -> webcam, parking_patches ufpr05 -> camera 4): among
# 0.001, 0.01 and 0.1 it is within two points of the best for 10, 25 and 50 labels, so that no fit has to search.
PROBE_STRENGTH = 0.01


def class_weights(class_counts: np.ndarray) -> np.ndarray:
    """Return weights (K,) inverse to the class counts, with mean 1 over the pictures; absent classes get 0."""
    counts = np.asarray(class_counts, dtype=np.float64)
    present = counts > 0
    weights = np.zeros_like(counts)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def log_prior(class_counts: np.ndarray) -> np.ndarray:
    """Return the log share of each class (K,), add-one smoothed so that an absent class stays finite."""
    counts = np.asarray(class_counts, dtype=np.float64) + 1
    found: np.ndarray = np.log(counts / counts.sum())
    return found


def cross_entropy(class_counts: np.ndarray, *, imbalance: str = "none", label_smoothing: float = 0.0) -> Loss:
    """Build the cross-entropy of logits (B, K) against labels (B,) or class shares (B, K).

    Args:
        class_counts: (K,) training pictures of each class.
        imbalance: "none"; "weights" weighs each class inversely to its count; "sampler" leaves the loss alone, since
            the loader draws classes equally often; "logit-adjust" adds the log prior to the logits
            (Menon 2021, arXiv:2007.07314, eq. 10, tau = 1), so that the bare logits answer for balanced classes.
        label_smoothing: share of the target spread evenly over all classes.

    Raises:
        RecipeError: the imbalance mode is unknown.
    """
    if imbalance not in get_args(Imbalance):
        raise RecipeError(f'optim.imbalance: got "{imbalance}"; allowed: {", ".join(get_args(Imbalance))}.')
    weight = torch.tensor(class_weights(class_counts), dtype=torch.float32) if imbalance == "weights" else None
    offset = torch.tensor(log_prior(class_counts), dtype=torch.float32) if imbalance == "logit-adjust" else None

    def loss(logits: Tensor, target: Target) -> Tensor:
        if target.labels is None:
            raise ValueError("classification needs target.labels")
        logits = logits.float()  # the softmax of half precision loses the small probabilities
        if offset is not None:
            logits = logits + offset.to(logits.device)
        class_weight = weight.to(logits.device) if weight is not None else None
        return F.cross_entropy(logits, target.labels, weight=class_weight, label_smoothing=label_smoothing)

    return loss


LOSSES = loss_registry({"cross-entropy": cross_entropy})


def build_loss(
    class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Build one of `LOSSES`, or "auto", for logits (B, K); see `cross_entropy`.

    Raises:
        RecipeError: the loss or the imbalance mode is unknown, or they do not go together.
    """
    return build_named(
        LOSSES,
        class_counts,
        task="classification",
        name=name,
        imbalance=imbalance,
        label_smoothing=label_smoothing,
    )


def decode(logits: Tensor, _target: Target) -> Tensor:
    """Map logits (B, K) to probabilities (B, K)."""
    return logits.float().softmax(dim=1)


def score(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Score probabilities (N, K) against labels (N,): mean log loss, accuracy, macro-F1 over the classes present."""
    from sklearn.metrics import f1_score  # here: it takes seconds

    if len(labels) == 0:
        return {"loss": float("nan"), "accuracy": float("nan"), "macro_f1": float("nan")}
    predicted = scores.argmax(axis=1)
    present = np.unique(labels)
    return {
        "loss": log_loss(labels, scores),
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0)),
    }


def confidence(logits: Tensor, _target: Target) -> Tensor:
    """Return the probability (B,) of the most probable class."""
    return logits.float().softmax(dim=1).amax(dim=1)


def collect(where: Judging, rows: np.ndarray, answers: Sequence[np.ndarray]) -> Predictions:
    """Put probabilities (K,) of rows together with what the table knows of them."""
    classes = where.table.classes.names
    scores = np.stack(answers) if len(rows) else np.zeros((0, len(classes)), np.float32)
    return Predictions(
        classes=classes,
        targets=where.table.labels[rows].astype(np.int64),
        predicted=scores.argmax(axis=1).astype(np.int64),
        scores=scores,
        **where.about(rows),
    )


def fit_head(
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray] | None,
    *,
    num_outputs: int,
    imbalance: str = "none",
    weights: np.ndarray | None = None,
) -> HeadFit:
    """Fit multinomial logistic regression by L-BFGS; see `FitHead`."""
    features, labels = train
    counts = np.bincount(labels, weights=weights, minlength=num_outputs)
    fitted = fit_linear(
        (features.reshape(-1, features.shape[-1]), np.tile(labels, len(features))),
        val,
        num_classes=num_outputs,
        balanced=imbalance in ("weights", "sampler"),
        log_prior=log_prior(counts) if imbalance == "logit-adjust" else None,
        weights=None if weights is None else np.tile(weights, len(features)),
    )
    note = f"by L-BFGS: C = {fitted.strength:.3g}, val log loss {fitted.val_loss:.4f}"
    return HeadFit(fitted.weight, fitted.bias, note)


def fit_probe(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None, *, strength: float = PROBE_STRENGTH
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a linear head at one strength and return its predictor, features (M, D) -> class indices (M,).

    Labels of one class give a predictor that always predicts that class.

    Args:
        features: (N, D) of at least one image.
        labels: (N,) class indices.
        weights: (N,) how much each image counts; None for all the same.
        strength: inverse L2 strength for standardised features.
    """
    known, places = np.unique(labels, return_inverse=True)
    if len(known) < 2:
        return lambda wanted: np.full(len(wanted), known[0])
    first = (features[:1], places[:1])  # a val set of one image: nothing is chosen, so no folds are fitted
    fitted = fit_linear((features, places), first, num_classes=len(known), strengths=[strength], weights=weights)
    return lambda wanted: known[(wanted @ fitted.weight.T + fitted.bias).argmax(axis=1)]


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=SCORING.selecting,
    collect=collect,
    predictor=LabelPredictor,
    confidence=confidence,
    losses=LOSSES,
    loss_batch=one_label,
    counts_correct=True,
    answers_unlabelled=True,
    convex=fit_head,
    probe=Probe("accuracy", fit_probe, lambda predicted, labels: float(np.mean(predicted == labels))),
    mixes=True,
    draws=True,
)
