"""What a task is on the side of evaluation: its metrics, its predictions files, and how predictions are judged.

Arrays in, numbers out; nothing here knows a model. Everything that has to do with one task asks its `Scoring`, so no
other module needs to know which tasks there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.drawn import Drawn, Measure, change_between, draw_metrics
from vision_ft.evaluate.intervals import plain


class Predicted(Protocol):
    """What the predictions of every task have in common: N images, by path."""

    @property
    def task(self) -> str:
        """Key of the task in `SCORINGS`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the K classes, labels or outputs."""

    @property
    def paths(self) -> Sequence[str]:
        """N paths, relative to the data's root."""

    @property
    def groups(self) -> np.ndarray | None:
        """Camera, site, ... (N,) of each image or None, or None for all."""

    @property
    def ids(self) -> np.ndarray | None:
        """Row (N,) of each image in data.parquet, or None."""

    def __len__(self) -> int:
        """Return N."""


@dataclass(frozen=True)
class MetricInfo:
    """A metric as people meet it.

    Attributes:
        name: its key in summaries, logs and recipes.
        title: within a sentence, such as "macro-F1".
        higher_is_better: False for losses and errors.
        scale: "share" is a fraction of 1, shown in percent and points; "number" is shown as it is.
    """

    name: str
    title: str
    higher_is_better: bool = True
    scale: Literal["share", "number"] = "share"

    @property
    def heading(self) -> str:
        """The title where it begins a line: "Accuracy", "Macro-F1", "mIoU"."""
        title = self.title
        return title[:1].upper() + title[1:] if title.split("-")[0].islower() else title

    @property
    def factor(self) -> float:
        """What a value is multiplied by where it is shown as a bare number: 100 for shares."""
        return 100.0 if self.scale == "share" else 1.0

    def show(self, value: float | None) -> str:
        """Return 0.893 as "89.3%", a plain number as "0.893", None and NaN as "-"."""
        if value is None or isnan(value):
            return "-"
        return f"{value:.1%}" if self.scale == "share" else f"{value:.3g}"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How the predictions of two models are laid side by side, image by image.

    Attributes:
        of_class: what is measured of each class, in words.
        of_image: what is measured of each image, in words.
        per_image: predictions -> (N,) score of each image, NaN where nothing can be judged.
        holding: predictions -> (N, K) whether the truth of an image holds the class.
        with_classes: predictions, class names -> the same with indices into these names, which hold all of their own.
        equal: two predictions of one order -> (N,) whether both models predict alike.
        same_truth: two predictions of one order -> (N,) whether the truth is the same.
        truth: what differs where it is not, as in "carry another mask".
        truth_of: predictions -> N texts of what is true, "" where it cannot be said in a word.
        right: predictions -> (N,) whether each image is right, where an image is either right or wrong. Such tasks are
            compared by the exact McNemar test, others by a paired bootstrap of the first metric.
        new_classes: whether a model may know classes that the other does not.
    """

    of_class: str
    of_image: str
    per_image: Callable[[Any], np.ndarray]
    holding: Callable[[Any], np.ndarray]
    with_classes: Callable[[Any, tuple[str, ...]], Any]
    equal: Callable[[Any, Any], np.ndarray]
    same_truth: Callable[[Any, Any], np.ndarray]
    truth: str
    truth_of: Callable[[Any], list[str]] = field(default=lambda predictions: [""] * len(predictions))
    right: Callable[[Any], np.ndarray] | None = None
    new_classes: bool = False


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """A task as evaluation, comparison and adaptation see it.

    Predictions are those of the task's own class, see `Predicted`.

    Attributes:
        metrics: in their one order, wherever they are listed; a table of runs shows the first two.
        selects: the metric that chooses an epoch by default.
        gates: the metric that decides about an adapted model by default.
        read: file -> predictions.
        write: file, predictions -> None; whole or not at all.
        judged: predictions -> (N,) bool, whether the truth of an image is known.
        summarise: predictions, seed=... -> all numbers of one split, as metrics.json holds them.
        headline: predictions -> metric -> value over the judged images, NaN where it is not defined.
        intervals: predictions, seed=... -> metric -> its 95% interval, NaN or None where too little is known.
        measure: predictions, weights (R, N) -> metrics of sets of images, for paired differences.
        replicates: predictions -> sets that a paired difference is drawn from.
        compared: how two models are laid side by side.
        loss: predictions -> mean log loss in nats; NaN where it is not known.
        settle: split -> predictions, for all splits -> the same with what val settles, such as thresholds.
        settled: predictions -> what the model folder and metrics.json keep of it.
        pairing: predictions, metric, seed=... -> (predictions -> change), in place of sets drawn for each model.
        also: further numbers with a title, which choose nothing.
    """

    metrics: tuple[MetricInfo, ...]
    selects: str
    gates: str
    read: Callable[[Path], Any]
    write: Callable[[Path, Any], None]
    judged: Callable[[Any], np.ndarray]
    summarise: Callable[..., Any]
    headline: Callable[[Any], dict[str, float]]
    intervals: Callable[..., Mapping[str, Any]]
    measure: Measure
    replicates: Callable[[Any], int]
    compared: Compared
    loss: Callable[[Any], float] = lambda _predictions: float("nan")
    settle: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    settled: Callable[[Any], dict[str, Any]] = lambda _predictions: {}
    pairing: Callable[..., Callable[[Any], Difference]] | None = None
    also: tuple[MetricInfo, ...] = ()

    def __post_init__(self) -> None:
        names = [metric.name for metric in self.metrics]
        assert {self.selects, self.gates} <= set(names), (self.selects, self.gates, names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metrics, in their order."""
        return tuple(metric.name for metric in self.metrics)

    @property
    def selecting(self) -> tuple[str, ...]:
        """Names of the metrics that may choose an epoch or a model, the one that does so by default first.

        Errors, where less is better, are not among them: what chooses takes the largest value.
        """
        larger = [metric.name for metric in self.metrics if metric.higher_is_better]
        return (self.selects, *(name for name in larger if name != self.selects))

    def info(self, name: str) -> MetricInfo:
        """Return what is known of a metric; one that is not listed goes by its own name."""
        known = (metric for metric in (*self.metrics, *self.also) if metric.name == name)
        return next(known, MetricInfo(name, name))

    def numbers(self, predictions: Any, *, seed: int = 0) -> dict[str, Any] | None:
        """Return {"n", value and interval of each metric, "loss"}, ready for JSON; None where nothing can be judged."""
        values = self.headline(predictions) if self.judged(predictions).any() else {}
        if all(isnan(value) for value in values.values()):
            return None
        ends = self.intervals(predictions, seed=seed)
        entry: dict[str, Any] = {"n": int(self.judged(predictions).sum())}
        for name in self.names:
            entry |= {name: values[name], f"{name}_interval": ends[name]}
        numbers: dict[str, Any] = plain(entry | {"loss": self.loss(predictions)})
        return numbers

    def draw(self, predictions: Any, *, seed: int = 0) -> Drawn:
        """Return the metrics over all images and over sets drawn anew."""
        return draw_metrics(predictions, self.measure, replicates=self.replicates(predictions), seed=seed)

    def against(self, before: Any, metric: str, *, seed: int = 0) -> Callable[[Any], Difference]:
        """Return what gives the change of a metric from `before` to other predictions of the same images.

        Drawing sets costs time, so those of `before` are drawn once.
        """
        if self.pairing is not None:
            return self.pairing(before, metric, seed=seed)
        drawn = self.draw(before, seed=seed)
        return lambda after: change_between(drawn, self.draw(after, seed=seed), metric)

    def change(self, before: Any, after: Any, metric: str, *, seed: int = 0) -> Difference:
        """Return after minus before in a metric with its 95% paired interval, over whole groups where there are eight.

        Raises:
            DataError: the two are not about the same images, or the metric is unknown.
        """
        return self.against(before, metric, seed=seed)(after)
