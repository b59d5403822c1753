"""What changed between two classifiers on the same images: accuracy or macro-F1, paired, with its interval."""

from __future__ import annotations

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.metrics import MetricInputs
from vision_ft.evaluate.comparing.paired import Difference, paired_bootstrap, paired_macro_f1
from vision_ft.evaluate.resampling import Groups

METRICS = ("accuracy", "macro_f1")


def change_of(
    before: MetricInputs, after: MetricInputs, *, metric: str, groups: Groups = None, seed: int = 0
) -> Difference:
    """Return after minus before in "accuracy" or "macro_f1" over labelled images, with its 95% interval.

    Images without a label (-1) are left out; NaN where none has one. A model may know fewer classes than the other.

    Args:
        before: of the first model.
        after: of the second model.
        metric: one of `METRICS`.
        groups: (N,) camera, day, sequence, ... of each image, None where it has none.
        seed: of the bootstrap.

    Raises:
        DataError: the two do not predict the same images, or the metric has no paired interval.
    """
    if metric not in METRICS:
        raise DataError(f"change between two models: metric {metric!r} is unknown; use one of {', '.join(METRICS)}")
    _refuse_different_images(before, after)
    rows = np.flatnonzero(np.asarray(after.targets) >= 0)
    targets, first, second = after.targets[rows], before.predicted[rows], after.predicted[rows]
    kept = None if groups is None else np.asarray(groups, dtype=object)[rows]
    if metric == "macro_f1":
        size = max(before.num_classes, after.num_classes)
        return paired_macro_f1(targets, first, second, num_classes=size, groups=kept, seed=seed)
    return paired_bootstrap(first == targets, second == targets, groups=kept, seed=seed)


def _refuse_different_images(before: MetricInputs, after: MetricInputs) -> None:
    if len(before.targets) != len(after.targets):
        raise DataError(
            f"before and after: {len(before.targets)} and {len(after.targets)} images; both models must predict "
            "the same ones, in the same order"
        )
    differing = np.flatnonzero(np.asarray(before.targets) != np.asarray(after.targets))
    if len(differing):
        raise DataError(
            f"before and after: the labels of {len(differing)} of {len(before.targets)} images differ (the first at "
            f"row {differing[0]}); both models must predict the same images, in the same order"
        )
