"""Numbers of several label columns: each column as a classifier, and their means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.labels.multitask import summarise_columns
from vision_ft.evaluate.labels.predictions import ColumnPredictions, read_column_predictions, write_column_predictions
from vision_ft.types import LabelColumn

COLUMNS = (LabelColumn("species", ("owl", "robin", "tit")), LabelColumn("sex", ("f", "m")))


def random_set(seed: int = 0, count: int = 90, missing: float = 0.2, **more) -> ColumnPredictions:
    rng = np.random.default_rng(seed)
    targets = np.column_stack([rng.integers(0, 3, count), rng.integers(0, 2, count)])
    parts = []
    for place, column in enumerate(COLUMNS):
        raw = rng.random((count, len(column.classes))) + 0.8 * (targets[:, [place]] == np.arange(len(column.classes)))
        parts.append(raw / raw.sum(axis=1, keepdims=True))
    targets = np.where(rng.random(targets.shape) < missing, -1, targets)
    return ColumnPredictions(
        columns=COLUMNS,
        paths=[f"{row}.png" for row in range(count)],
        targets=targets,
        scores=np.concatenate(parts, axis=1).astype(np.float32),
        temperatures=np.array([1.0, 1.5]),
        **more,
    )


@pytest.mark.parametrize("seed", range(3))
def test_each_column_is_measured_over_its_known_labels_as_scikit_learn_does(seed):
    made = random_set(seed)
    numbers = summarise_columns(made, draws=50)
    macro, right = [], []
    for place, column in enumerate(numbers["columns"]):
        part = made.column(place)
        known = part.targets >= 0
        assert (column["n"], column["missing"]) == (known.sum(), (~known).sum())
        macro.append(sk.f1_score(part.targets[known], part.predicted[known], average="macro"))
        right.append(sk.accuracy_score(part.targets[known], part.predicted[known]))
        assert column["macro_f1"] == pytest.approx(macro[-1], abs=1e-6)
        assert column["accuracy"] == pytest.approx(right[-1], abs=1e-6)
    assert numbers["macro_f1"] == pytest.approx(np.mean(macro), abs=1e-6)
    assert numbers["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    for name in ("macro_f1", "accuracy"):
        low, high = numbers[f"{name}_interval"]
        assert low < numbers[name] < high


def test_a_column_alone_is_what_a_classifier_would_report():
    made = random_set(1)
    part = made.column(1)
    expected = summarise(part.targets, part.scores, part.predicted, classes=("f", "m"), temperature=1.5)
    found = summarise_columns(made, draws=20)["columns"][1]
    assert {key: found[key] for key in expected} == expected


def test_exact_counts_pictures_whose_known_labels_are_all_right():
    scores = np.array([[0.8, 0.1, 0.1, 0.9, 0.1]] * 4)
    targets = np.array([[0, 0], [0, 1], [-1, 0], [-1, -1]])
    made = ColumnPredictions(COLUMNS, list("abcd"), targets, scores, np.ones(2))
    numbers = summarise_columns(made, draws=20)
    assert (numbers["n"], numbers["unlabelled"], numbers["exact"]) == (3, 1, pytest.approx(2 / 3))


def test_a_column_without_any_known_label_is_left_out_of_the_means():
    made = random_set(2)
    hidden = ColumnPredictions(
        COLUMNS, made.paths, np.column_stack([made.targets[:, 0], np.full(90, -1)]), made.scores, made.temperatures
    )
    numbers = summarise_columns(hidden, draws=20)
    assert numbers["macro_f1"] == numbers["columns"][0]["macro_f1"]
    assert numbers["columns"][1]["macro_f1"] is None


def test_predictions_survive_the_disk(tmp_path: Path):
    made = random_set(4, count=6, groups=np.array(["x", None, "y", "y", "x", None], dtype=object), ids=np.arange(6) + 2)
    write_column_predictions(tmp_path / "test.parquet", made)
    again = read_column_predictions(tmp_path / "test.parquet")
    for name in ("targets", "scores", "temperatures", "groups", "ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert (again.columns, list(again.paths), again.task) == (made.columns, made.paths, "multitask")
    assert again.classes == ("species=owl", "species=robin", "species=tit", "sex=f", "sex=m")


def test_scores_of_another_width_are_refused():
    with pytest.raises(DataError, match=r"scores have shape \(1, 4\), expected \(1, 5\)"):
        ColumnPredictions(COLUMNS, ["a"], np.zeros((1, 2), int), np.zeros((1, 4)), np.ones(2))
