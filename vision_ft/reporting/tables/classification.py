"""The tables of a classification run."""

from __future__ import annotations

from vision_ft.evaluate.calibration import score_of
from vision_ft.evaluate.classification.confusion import dense
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.tables.base import Table

MAX_DENSE_CLASSES = 1000  # a wider matrix is written as rows true,predicted,count


def class_tables(split: ClassSplit) -> dict[str, Table]:
    """Return per_class, confusion, confused_pairs, mistakes (all of them) and groups of a split."""
    tables = {
        "per_class": _per_class(split),
        "confusion": _confusion(split),
        "confused_pairs": _pairs(split),
        "mistakes": mistakes_table(split),
    }
    return tables | ({"groups": _groups(split)} if split.summary["groups"] else {})


def _per_class(split: ClassSplit) -> Table:
    names = ("precision", "recall", "f1")
    header = ["class", "support", "predicted", "correct"]
    header += [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    rows = [
        [row[column] for column in header[:4]]
        + [value for name in names for value in (row[name], *row[f"{name}_interval"])]
        for row in split.summary["per_class"]
    ]
    return header, rows


def _confusion(split: ClassSplit) -> Table:
    classes, cells = split.predictions.classes, split.summary["confusion"]
    if len(classes) > MAX_DENSE_CLASSES:
        return ("true", "predicted", "count"), [(classes[t], classes[p], n) for t, p, n in cells]
    matrix = dense(cells, len(classes)).tolist()
    return ("true \\ predicted", *classes), [[name, *row] for name, row in zip(classes, matrix, strict=True)]


def _pairs(split: ClassSplit) -> Table:
    classes, support = split.predictions.classes, [row["support"] for row in split.summary["per_class"]]
    wrong = [cell for cell in split.summary["confusion"] if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: (-cell[2], -cell[2] / support[cell[0]]))
    header = ("true", "predicted", "count", "of", "share")
    return header, [(classes[t], classes[p], n, support[t], round(n / support[t], 6)) for t, p, n in wrong]


def mistakes_table(split: ClassSplit) -> Table:
    """Return all mistakes of a split, most confident first."""
    predictions, rows = split.predictions, split.mistakes
    true_scores = None
    if predictions.scores is not None and len(rows):
        true_scores = score_of(predictions.scores[rows], predictions.targets[rows], temperature=predictions.temperature)
    table = []
    for place, row in enumerate(rows.tolist()):
        table.append(
            (
                predictions.paths[row],
                predictions.classes[predictions.targets[row]],
                predictions.classes[predictions.predicted[row]],
                "" if split.confidence is None else round(float(split.confidence[row]), 6),
                "" if true_scores is None else round(float(true_scores[place]), 6),
                "" if predictions.groups is None else predictions.groups[row],
            )
        )
    return ("path", "true", "predicted", "confidence", "score_of_true", "group"), table


def _groups(split: ClassSplit) -> Table:
    header = ("group", "n", "correct", "accuracy", "low", "high", "macro_f1")
    rows = [
        (row["group"], row["n"], row["correct"], row["accuracy"], *row["interval"], row["macro_f1"])
        for row in split.summary["groups"]
    ]
    return header, rows
