"""The report of several labels per image: one line a label, counts that agree, and nothing that breaks the page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.labels.predictions import (
    ColumnPredictions,
    LabelPredictions,
    write_column_predictions,
    write_label_predictions,
)
from vision_ft.reporting import build_report
from vision_ft.reporting.collect.columns import flatten_columns, summarise_flat_columns
from vision_ft.reporting.collect.label_sets import flatten_label_sets, summarise_flat_label_sets
from vision_ft.types import LabelColumn

NAN = np.nan
HOSTILE = "</script><b>cat & 'dog'"
COLUMNS = (LabelColumn("species", ("owl", HOSTILE, "tit")), LabelColumn("sex", ("f", "m")))


def label_set(targets: object, scores: object, names: tuple[str, ...] = ("cat", "dog")) -> LabelPredictions:
    count = len(np.array(targets))
    return LabelPredictions(
        classes=names,
        paths=[f"{row}.png" for row in range(count)],
        targets=np.array(targets, np.float32),
        scores=np.array(scores, np.float32),
        thresholds=np.array([0.5, 0.3]),
        groups=np.array([f"g{row % 2}" for row in range(count)], dtype=object),
        ids=np.arange(count),
    )


def random_columns(count: int = 30) -> ColumnPredictions:
    rng = np.random.default_rng(0)
    targets = np.column_stack([rng.integers(-1, 3, count), rng.integers(-1, 2, count)])
    parts = [rng.dirichlet(np.ones(size), count) for size in (3, 2)]
    return ColumnPredictions(
        COLUMNS, [f"{row}.png" for row in range(count)], targets, np.concatenate(parts, axis=1), np.array([1.0, 2.0])
    )


def page_of(run: Path) -> tuple[str, dict]:
    text = build_report(run).read_text()
    return text, json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])


def test_a_set_of_labels_has_a_line_for_each_that_applies_or_was_answered():
    made = label_set([[1, 0], [1, NAN], [0, 1]], [[0.9, 0.4], [0.2, 0.9], [0.1, 0.8]])
    flat, numbers = flatten_label_sets(made), summarise_flat_label_sets(made)
    assert flat.classes == ("no cat", "cat", "no dog", "dog")
    lines = list(zip(flat.paths, flat.targets.tolist(), flat.predicted.tolist(), strict=True))
    assert lines == [("0.png", 1, 1), ("0.png", 2, 3), ("1.png", 1, 0), ("2.png", 3, 3)]
    assert flat.confidence().tolist() == pytest.approx([0.9, 0.4, 0.8, 0.8])
    assert numbers["confusion"] == [[0, 0, 1], [1, 0, 1], [1, 1, 1], [2, 3, 1], [3, 3, 1]]
    assert numbers["support"] == [1, 2, 1, 1]
    assert [(pair["true"], pair["predicted"], pair["count"]) for pair in numbers["confused_pairs"]] == [
        ("no dog", "dog", 1),
        ("cat", "no cat", 1),
    ]


def test_columns_have_a_line_for_each_known_label_with_calibrated_scores():
    made = random_columns()
    flat = flatten_columns(made)
    numbers = summarise_flat_columns(made, flat)
    assert len(flat) == (made.targets >= 0).sum()
    assert numbers["confusion"] == summarise(flat.targets, None, flat.predicted, classes=flat.classes)["confusion"]
    sex = flat.targets >= 3
    assert (flat.predicted[sex] >= 3).all()
    assert flat.scores.sum(axis=1) == pytest.approx(np.ones(len(flat)), abs=1e-6)
    first = int(np.flatnonzero(made.targets[:, 1] >= 0)[0])
    raw = np.sqrt(made.scores[first, 3:])  # a temperature of 2
    assert flat.scores[sex][0, 3:] == pytest.approx(raw / raw.sum(), abs=1e-6)


def test_names_that_look_like_markup_stay_text(tmp_path: Path):
    (tmp_path / "predictions").mkdir()
    made = label_set([[1, 0], [1, 1], [0, 1]], [[0.9, 0.4], [0.2, 0.9], [0.1, 0.1]], names=(HOSTILE, "dog"))
    write_label_predictions(tmp_path / "predictions" / "test.parquet", made)
    text, data = page_of(tmp_path)
    assert HOSTILE not in text
    assert data["classes"][1] == HOSTILE
    assert "2 labels" in text
    assert "Never predicted" not in text
    with (tmp_path / "report" / "taken_for.csv").open(newline="") as stream:
        assert next(csv.reader(stream)) == ["missed \\ predicted", HOSTILE, "dog"]


@pytest.mark.parametrize("known", [True, False])
def test_a_page_is_made_of_columns_also_where_no_label_is_known(known, tmp_path: Path):
    (tmp_path / "predictions").mkdir()
    made = random_columns()
    if not known:
        made = ColumnPredictions(COLUMNS, made.paths, np.full_like(made.targets, -1), made.scores, made.temperatures)
    write_column_predictions(tmp_path / "predictions" / "val.parquet", made)
    text, data = page_of(tmp_path)
    assert HOSTILE not in text
    assert ("No image of this split has a label that is known" in text) is not known
    wrong = sum(number for true, predicted, number in data["splits"]["val"]["confusion"]["cells"] if true != predicted)
    assert wrong == len(data["splits"]["val"]["mistakes"]["pictures"])
    assert (wrong > 0) is known


def test_a_flawless_set_says_so(tmp_path: Path):
    (tmp_path / "predictions").mkdir()
    targets = np.tile([[1, 0], [0, 1], [1, 1]], (5, 1))
    write_label_predictions(tmp_path / "predictions" / "test.parquet", label_set(targets, targets))
    text, _ = page_of(tmp_path)
    assert "No mistake was seen." in text
    assert "No image misses one label and has another instead." in text
