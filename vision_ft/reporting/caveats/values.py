"""What a reader must know before believing the numbers of a regression run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vision_ft.evaluate.regression.slices import error_sentences, is_biased
from vision_ft.reporting.caveats.base import (
    MAX_NAMED,
    Caveat,
    about_run,
    about_split,
    most_serious_first,
    named,
    say,
)
from vision_ft.reporting.collect.values import ValueSplit, error_rows
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import cut, number, number_span

FEW_IMAGES = 30  # the interval of an R2 of 0.8 is then wider than +-0.1
NEARLY_CONSTANT = 0.8  # share of one and the same value from which R2 hangs on a handful of images
FLAT_SLOPE = 0.8  # below it a true value far from the mean is predicted visibly nearer to the mean
GROUP_BIAS = 0.25  # mean error of a group, in units of the target's spread, that is worth a word


def value_warnings(run: RunView, split: ValueSplit) -> list[Caveat]:
    """Warnings on a split, most serious first."""
    found = [
        *about_split(run, split, few=FEW_IMAGES, without="without a value"),
        *_about_absent(split),
        *_about_skill(split),
        *(caveat for k in range(len(split.targets)) for caveat in _about_target(split, k)),
        *_about_groups(split),
        *(say("warning", sentence, "slices") for sentence in error_sentences(error_rows(split))[:2]),
        *about_run(run),
    ]
    return most_serious_first(found)


def is_shown_to_beat_the_mean(row: Mapping[str, Any]) -> bool:
    """Whether the interval of R2 lies above 0; where R2 is not defined, nothing is shown to fail either."""
    return row["r2_interval"] is None or row["r2_interval"][0] > 0


def _about_absent(split: ValueSplit) -> Iterator[Caveat]:
    absent = split.summary["classes_without_pictures"]
    if absent and split.summary["n"]:
        yield say("warning", f"No image of this split has a value of {named(absent)}: not measured.", "targets")


def _about_skill(split: ValueSplit) -> Iterator[Caveat]:
    """Whether the model beats the simplest rule."""
    unshown = [row["name"] for row in split.summary["per_target"] if not is_shown_to_beat_the_mean(row)]
    if unshown:
        which = "" if len(split.targets) == 1 else f" of {named(unshown)}"
        yield say("error", f"The model is not shown to beat always predicting the mean{which}.", "targets")


def _about_target(split: ValueSplit, k: int) -> Iterator[Caveat]:
    row, name = split.summary["per_target"][k], cut(split.targets[k])
    if not row["n"]:
        return
    true, predicted = split.known(k)
    share = float(np.unique(true, return_counts=True)[1].max() / len(true))
    if share == 1 and len(true) > 1:
        yield say("warning", f"{name} is the same in all images of this split: R2 and Spearman are not defined.")
    elif share >= NEARLY_CONSTANT:
        text = f"{name} is nearly constant, {share:.0%} of the images have the same value: R2 hangs on the few others."
        yield say("warning", text, "scatter")
    ends = row["bias_interval"]
    if ends is not None and (ends[0] > 0 or ends[1] < 0):
        way = f"{too_high(row['bias'])} on average ({number_span(sorted(map(abs, ends)))})"
        yield say("warning", f"Predictions of {name} are {way}.", "residuals")
    slope = slope_of(true, predicted)
    if slope is not None and slope < FLAT_SLOPE and is_shown_to_beat_the_mean(row):
        yield say(
            "info",
            f"Predictions of {name} are drawn to the middle (slope {number(slope)}): true values run from "
            f"{number(row['low'])} to {number(row['high'])}, predictions from {number(float(predicted.min()))} to "
            f"{number(float(predicted.max()))}. Do not trust them at the extremes.",
            "scatter",
        )


def slope_of(true: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return how much predictions rise for each unit of the true value; None where that does not vary."""
    centred = true - true.mean()
    spread = float(centred @ centred)
    return float(centred @ predicted) / spread if spread > 0 else None


def too_high(bias: float) -> str:
    """Say a mean error in words: "1.2 too high"."""
    return f"{number(abs(bias))} too {'high' if bias > 0 else 'low'}"


def _about_groups(split: ValueSplit) -> Iterator[Caveat]:
    far = [row for row in split.group_biases if is_biased(row) and size_of_bias(split, row) > GROUP_BIAS]
    if not far or len(split.group_biases) < 2 * len(split.targets):
        return
    far.sort(key=lambda row: -size_of_bias(split, row))
    told = [f"{too_high(row['bias'])} in {cut(row['group'])}{_of_target(split, row)}" for row in far[:MAX_NAMED]]
    more = ", …" if len(far) > MAX_NAMED else ""
    yield say("warning", f"Groups differ: predictions are on average {', '.join(told)}{more}.", "groups")


def _of_target(split: ValueSplit, row: Mapping[str, Any]) -> str:
    return f" ({cut(split.targets[row['target']])})" if len(split.targets) > 1 else ""


def size_of_bias(split: ValueSplit, row: Mapping[str, Any]) -> float:
    """Return the mean error of a row of biases in units of its target's spread."""
    return float(abs(row["bias"]) / split.spread[row["target"]])
