"""The learning curves in words: what a person would read off them, each with the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from vision_ft.evaluate.names import metric_info

MIN_VAL_PICTURES = 100  # below it the Wilson interval of an accuracy of 80% is wider than +-8 points
MIN_EPOCHS = 4  # fewer points show no trend
OVERFIT_GAP = 0.10  # train minus val accuracy that is worth a word
LOW_TRAIN_ACCURACY = 0.80  # a model that cannot learn its own training images to this share underfits
LOSS_RISE = 0.10  # relative rise of the val loss after its best epoch that counts as overfitting
IMPROVING = 0.005  # gain in the metric over the last quarter of the epochs that counts as still improving
EARLY_BEST = 1 / 3  # a best epoch in the first third of the run was early

Kind = Literal[
    "overfitting", "underfitting", "still-improving", "early-best", "few-validation-pictures", "too-short", "healthy"
]


@dataclass(frozen=True)
class Verdict:
    """One thing that the curves say.

    Attributes:
        kind: a stable short name.
        level: "warning" asks for action, "info" does not.
        sentence: the finding with its numbers.
        advice: what to try, or "".
    """

    kind: Kind
    level: Literal["warning", "info"]
    sentence: str
    advice: str = ""


def judge_curves(
    records: Sequence[Mapping[str, Any]], *, num_val: int | None = None, metric: str = "val_macro_f1"
) -> list[dict[str, Any]]:
    """Verdicts on a run from the lines of its log, most serious first, as JSON-able dicts of `Verdict`.

    Args:
        records: one mapping an epoch with train_loss, train_accuracy, val_loss, val_accuracy and `metric`; missing
            or null values are passed over.
        num_val: images in the validation split, when known.
        metric: the key that the best epoch was chosen by.
    """
    verdicts: list[Verdict] = []
    epochs = [record for record in records if record.get("epoch") is not None]
    if num_val is not None and num_val < MIN_VAL_PICTURES:
        verdicts.append(_few_pictures(num_val))
    if not epochs:
        return [asdict(verdict) for verdict in verdicts]
    if len(epochs) < MIN_EPOCHS:
        verdicts.append(
            Verdict("too-short", "info", f"The run has {len(epochs)} epoch(s): too few points to read a trend from.")
        )
        return [asdict(verdict) for verdict in verdicts]
    found = [check(epochs, metric) for check in (_overfitting, _underfitting, _still_improving, _early_best)]
    verdicts += [verdict for verdict in found if verdict is not None]
    if not any(verdict.kind != "few-validation-pictures" for verdict in verdicts):
        verdicts.append(_healthy(epochs, metric))
    return [asdict(verdict) for verdict in sorted(verdicts, key=lambda verdict: verdict.level == "info")]


def _few_pictures(num_val: int) -> Verdict:
    half = 1.96 * np.sqrt(0.8 * 0.2 / max(num_val, 1))
    return Verdict(
        "few-validation-pictures",
        "warning",
        f"Only {num_val} validation images: an accuracy near 80% is known to about ±{half:.0%}, so what was "
        "chosen on them is partly chance.",
        "Give more images to validation, or compare runs over several seeds.",
    )


def _series(epochs: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([np.nan if epoch.get(key) is None else float(epoch[key]) for epoch in epochs])


def best_epoch(epochs: Sequence[Mapping[str, Any]], metric: str = "val_macro_f1") -> int | None:
    """Position of the epoch that a run keeps; None where the metric is not known in any.

    The highest metric, of equal ones the lowest val loss, of those the later epoch: the rule of `engine.loop`.

    Args:
        epochs: one mapping an epoch, in their order.
        metric: the key that the best epoch was chosen by.
    """
    values, losses = _series(epochs, metric), _series(epochs, "val_loss")
    known = np.flatnonzero(np.isfinite(values))
    losses = np.where(np.isfinite(losses), losses, np.inf)
    return int(max(known, key=lambda at: (values[at], -losses[at], at))) if len(known) else None


def _lowest(values: np.ndarray) -> int | None:
    """Position of the lowest value, of equal ones the later; None where none is known."""
    known = np.flatnonzero(np.isfinite(values))
    return int(max(known, key=lambda at: (-values[at], at))) if len(known) else None


def _overfitting(epochs: Sequence[Mapping[str, Any]], metric: str) -> Verdict | None:
    del metric
    train, val, val_loss = (_series(epochs, key) for key in ("train_accuracy", "val_accuracy", "val_loss"))
    gap = train[-1] - val[-1]
    best = _lowest(val_loss)
    rise = val_loss[-1] / val_loss[best] - 1 if best is not None and val_loss[best] > 0 else np.nan
    rising = best is not None and rise > LOSS_RISE and best < len(epochs) - 2
    if not (gap > OVERFIT_GAP or rising):
        return None
    parts = []
    if gap > OVERFIT_GAP:
        parts.append(f"training accuracy ends at {train[-1]:.0%} but validation accuracy at {val[-1]:.0%}")
    if rising and best is not None:
        parts.append(
            f"the validation loss rose {rise:.0%} from its best ({val_loss[best]:.2f} at epoch "
            f"{epochs[best]['epoch']}) to {val_loss[-1]:.2f}"
        )
    return Verdict(
        "overfitting",
        "warning",
        f"Overfitting: {' and '.join(parts)}.",
        "Try stronger augmentation, fewer trainable groups, more weight decay, or more images.",
    )


def _underfitting(epochs: Sequence[Mapping[str, Any]], metric: str) -> Verdict | None:
    del metric
    train, val = _series(epochs, "train_accuracy"), _series(epochs, "val_accuracy")
    if not (train[-1] < LOW_TRAIN_ACCURACY and train[-1] - val[-1] < OVERFIT_GAP / 2):
        return None
    return Verdict(
        "underfitting",
        "warning",
        f"Underfitting: training accuracy ends at {train[-1]:.0%}, close to validation at {val[-1]:.0%}, so the model "
        "has not learned even its own training images. Strong augmentation or mixup also lowers training accuracy.",
        "Try more epochs, a higher learning rate, more trainable groups, larger images or a larger backbone.",
    )


def _still_improving(epochs: Sequence[Mapping[str, Any]], metric: str) -> Verdict | None:
    values = _series(epochs, metric)
    tail = max(2, len(values) // 4)
    if not np.isfinite(values).all():
        return None
    before, last = values[:-tail].max(), values[-tail:].max()
    if last - before <= IMPROVING or int(values.argmax()) < len(values) - tail:
        return None
    return Verdict(
        "still-improving",
        "info",
        f"Still improving: {_name(metric)} rose from {before:.3f} to {last:.3f} within the last {tail} epochs.",
        "More epochs may help.",
    )


def _early_best(epochs: Sequence[Mapping[str, Any]], metric: str) -> Verdict | None:
    values = _series(epochs, metric)
    best = best_epoch(epochs, metric)
    if best is None or (best + 1) > len(values) * EARLY_BEST or values[best] - values[-1] <= IMPROVING:
        return None
    return Verdict(
        "early-best",
        "info",
        f"The best {_name(metric)} ({values[best]:.3f}) came early, at epoch {epochs[best]['epoch']} of "
        f"{epochs[-1]['epoch']}; the last epoch has {values[-1]:.3f}.",
        "Fewer epochs or a lower learning rate may do as well or better.",
    )


def _healthy(epochs: Sequence[Mapping[str, Any]], metric: str) -> Verdict:
    values, train, val = _series(epochs, metric), _series(epochs, "train_accuracy"), _series(epochs, "val_accuracy")
    best = best_epoch(epochs, metric)
    where = "" if best is None else f" Best {_name(metric)} {values[best]:.3f} at epoch {epochs[best]['epoch']}."
    gap = train[-1] - val[-1]
    numbers = (
        f"training accuracy ends at {train[-1]:.0%} and validation accuracy at {val[-1]:.0%}"
        if np.isfinite(gap)
        else "neither rises or falls beyond its usual scatter"
    )
    return Verdict("healthy", "info", f"The curves show no sign of over- or underfitting: {numbers}.{where}")


def _name(metric: str) -> str:
    """What people call a metric of the log: "val_miou" is "mIoU on validation"."""
    part, _, name = metric.partition("_")
    title = metric_info(name).title
    if metric == "val_accuracy":
        return "validation accuracy"
    return f"{title} on validation" if part == "val" and title != name else metric
