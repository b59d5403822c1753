"""Single-label classification: cross-entropy with four answers to imbalance, softmax, accuracy and macro-F1."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import Tensor

from vision_ft.errors import RecipeError
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.spec import Loss, TaskSpec
from vision_ft.types import Target

Imbalance = Literal["none", "weights", "sampler", "logit-adjust"]
EPS = 1e-7  # keeps the log of a probability finite in float32


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
    return np.log(counts / counts.sum())


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
    if len(labels) == 0:
        return {"loss": float("nan"), "accuracy": float("nan"), "macro_f1": float("nan")}
    predicted = scores.argmax(axis=1)
    picked = scores[np.arange(len(labels)), labels]
    present = np.unique(labels)
    return {
        "loss": float(-np.log(np.maximum(picked, EPS)).mean()),
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0)),
    }


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=("macro_f1", "accuracy"),
    head="linear",
    losses=LOSSES,
    counts_correct=True,
)
