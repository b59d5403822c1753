"""Image regression: numbers such as counts, ages or shares; smooth L1 over the known values, ridge for linear heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vision_ft.data.values import value_matrix
from vision_ft.deploy.values import ValuePredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.regression.metrics import VALUE_METRICS
from vision_ft.evaluate.regression.predictions import ValuePredictions
from vision_ft.evaluate.regression.summary import mean_over_targets, measure
from vision_ft.evaluate.scoring.regression import SCORING
from vision_ft.tasks.loss_batches import several_values
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.probe import Probe
from vision_ft.tasks.ridge import fit_ridge
from vision_ft.tasks.spec import HeadFit, Judging, Loss, TaskSpec
from vision_ft.types import CLASSIFICATION, REGRESSION, Target

# Errors are divided by the standard deviation of the target in train before these, so that targets of any unit weigh
# the same and the learning rate means the same.
MEASURES: dict[str, Callable[..., Tensor]] = {
    "smooth-l1": F.smooth_l1_loss,  # squared below one standard deviation, absolute beyond (Girshick 2015, eq. 3)
    "mse": F.mse_loss,
    "l1": F.l1_loss,
}
LEAST_SPREAD = 1e-12  # of a target that does not vary


def spreads(statistics: np.ndarray) -> np.ndarray:
    """Return the standard deviation (T,) of each target; 1 where it does not vary.

    Args:
        statistics: (3, T) mean, standard deviation and number of the known values in train.
    """
    spread = np.asarray(statistics, np.float64)[1]
    return np.where(spread > LEAST_SPREAD, spread, 1.0)


def value_loss(class_counts: np.ndarray, *, name: str, imbalance: str = "none", label_smoothing: float = 0.0) -> Loss:
    """Build the mean loss of outputs (B, T) over the values (B, T) that are known, that is, not NaN.

    A batch without any known value gives 0, with a gradient of 0.

    Args:
        class_counts: (3, T) mean, standard deviation and number of the known values in train.
        name: a key of `MEASURES`.
        imbalance: "none".
        label_smoothing: 0.

    Raises:
        RecipeError: a value is not the one named above.
    """
    if imbalance != "none":
        raise RecipeError(f'optim.imbalance: got "{imbalance}"; numbers have no classes to balance. Set it to "none".')
    if label_smoothing:
        raise RecipeError(f"optim.label_smoothing: got {label_smoothing}; numbers are not smoothed. Set it to 0.")
    scale = torch.tensor(spreads(class_counts), dtype=torch.float32)

    def loss(outputs: Tensor, target: Target) -> Tensor:
        if target.labels is None:
            raise ValueError("regression needs target.labels")
        unit = scale.to(outputs.device)
        values = target.labels.float()
        known = ~values.isnan()
        if not known.any():
            return outputs.float().sum() * 0
        return MEASURES[name]((outputs.float() / unit)[known], (values / unit)[known])

    return loss


LOSSES = loss_registry({name: partial(value_loss, name=name) for name in MEASURES})


def build_loss(
    class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Build one of `LOSSES`, or "auto", for outputs (B, T); see `value_loss`.

    Raises:
        RecipeError: the loss is unknown, or does not take a value.
    """
    return build_named(
        LOSSES, class_counts, task=REGRESSION, name=name, imbalance=imbalance, label_smoothing=label_smoothing
    )


def prepare(head: nn.Module, statistics: np.ndarray) -> None:
    """Let a fresh head start at the mean of each target, with weights of the size of its spread.

    An optimiser moves a weight by about its learning rate in a step: from 0 it would take thousands of steps to reach
    the 120 trees of a tile.
    """
    last = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if not last or last[-1].out_features != statistics.shape[1]:
        return
    layer = last[-1]
    with torch.no_grad():
        layer.weight.mul_(torch.tensor(spreads(statistics), dtype=layer.weight.dtype)[:, None])
        layer.bias.copy_(torch.tensor(statistics[0], dtype=layer.bias.dtype))


def decode(outputs: Tensor, _target: Target) -> Tensor:
    """Return the predicted values (B, T)."""
    return outputs.float()


def score(values: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Score predicted values (N, T) against targets (N, T), NaN = not known.

    The loss is smooth L1 of errors divided by the standard deviation of the targets given here.
    """
    if not len(targets):
        return dict.fromkeys(("loss", *VALUE_METRICS), float("nan"))
    targets, values = np.asarray(targets, np.float64), np.asarray(values, np.float64)
    found = measure(targets, values, np.ones((1, len(targets))))
    known = ~np.isnan(targets)
    spread = [np.std(column[kept]) if kept.any() else 1.0 for column, kept in zip(targets.T, known.T, strict=True)]
    errors = np.abs((values - targets) / np.where(np.array(spread) > LEAST_SPREAD, spread, 1.0))[known]
    smooth = np.where(errors < 1, errors**2 / 2, errors - 0.5)
    loss = float(smooth.mean()) if len(smooth) else float("nan")
    return {"loss": loss, **{name: float(mean_over_targets(value, name)[0]) for name, value in found.items()}}


def confidence(outputs: Tensor, _target: Target) -> Tensor:
    """Return 1 for each image (B,): a single number says nothing of how sure the model is."""
    return torch.ones(len(outputs))


def collect(where: Judging, rows: np.ndarray, outputs: Sequence[np.ndarray]) -> ValuePredictions:
    """Put predicted values (T,) of rows together with what the table knows of them."""
    names = where.table.classes.names
    return ValuePredictions(
        classes=names,
        targets=value_matrix(where.table)[rows],
        predicted=np.stack(outputs).astype(np.float64) if len(rows) else np.zeros((0, len(names))),
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
    """Fit ridge regression to each target on its known values; see `FitHead`."""
    del imbalance
    features, values = train
    fits = []
    for target in range(num_outputs):
        known = ~np.isnan(values[:, target])
        rows = features[:, known].reshape(-1, features.shape[-1]), np.tile(values[known, target], len(features))
        each = None if weights is None else np.tile(weights[known], len(features))
        held = None if val is None else ~np.isnan(val[1][:, target])
        judged = None if val is None or held is None else (val[0][held], val[1][held, target])
        fits.append(fit_ridge(rows, judged, weights=each))
    strengths = ", ".join(f"{fit.strength:.3g}" for fit in fits)
    errors = ", ".join(f"{fit.error:.4g}" for fit in fits)
    return HeadFit(
        np.stack([fit.weight for fit in fits]),
        np.array([fit.bias for fit in fits], np.float32),
        f"by ridge regression: alpha = {strengths}, val RMSE {errors}",
    )


def _probe(features: np.ndarray, values: np.ndarray, weights: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
    """Fit each target, its strength by folds; a target without a known value is predicted as 0."""
    fits = []
    for target in range(values.shape[1]):
        known = ~np.isnan(values[:, target])
        each = None if weights is None else weights[known]
        fits.append(fit_ridge((features[known], values[known, target]), None, weights=each) if known.any() else None)
    return lambda wanted: np.stack(
        [np.zeros(len(wanted)) if fit is None else wanted @ fit.weight + fit.bias for fit in fits], axis=1
    )


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=SCORING.selecting,
    collect=collect,
    predictor=ValuePredictor,
    confidence=confidence,
    losses=LOSSES,
    loss_batch=several_values,
    convex=fit_head,
    prepare=prepare,
    probe=Probe("r2", _probe, lambda predicted, targets: score(predicted, targets)["r2"]),
    heads=CLASSIFICATION,
)
