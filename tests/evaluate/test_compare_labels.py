"""Comparing runs with several labels an image: the bootstrap decides, images and classes say where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.compared_labels import label_columns, label_run, label_sets
from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.runs import compare_runs

MADE = {"multilabel": label_sets, "multitask": label_columns}


@pytest.mark.parametrize("task", MADE)
def test_a_run_that_gets_more_images_right_is_better_and_says_where(task, tmp_path):
    make = MADE[task]
    old, new = label_run(tmp_path / "old", make()), label_run(tmp_path / "new", make(mended=0.5))
    found = compare_runs([old, new])
    (pair,) = found["pairs"]
    assert (found["task"], found["n"], found["by_group"], found["unlabelled"]) == (task, 240, True, 0)
    assert (found["metrics"][0], found["of_class"]) == ("macro_f1", "F1")
    assert (found["ranking"], pair["verdict"]) == ([1, 0], "better")
    assert found["sentence"].startswith('"new" is better than "old" by ')
    gain = found["runs"][1]["macro_f1"] - found["runs"][0]["macro_f1"]
    assert pair["macro_f1"]["value"] == pytest.approx(gain, abs=2e-6)
    assert 0 < pair["macro_f1"]["low"] < gain < pair["macro_f1"]["high"]
    assert sum(pair["outcomes"].values()) == 240
    assert (pair["outcomes"]["lost"], len(pair["lost"])) == (0, 0)
    assert pair["outcomes"]["gained"] > 20
    assert pair["gained"][0]["after"] > pair["gained"][0]["before"]
    assert {row["class"] for row in pair["per_class"]} == set(found["classes"])
    assert all(row["after"] >= row["before"] for row in pair["per_class"])
    assert len(pair["groups"]) == 10


@pytest.mark.parametrize("task", MADE)
def test_the_same_answers_are_no_difference(task, tmp_path):
    runs = [label_run(tmp_path / name, MADE[task]()) for name in ("one", "two")]
    found = compare_runs(runs)
    assert found["sentence"] == '"two" predicts the same as "one" for all 240 images.'
    assert (found["pairs"][0]["p_adjusted"], found["pairs"][0]["macro_f1"]["value"]) == (1.0, 0.0)


@pytest.mark.parametrize("task", MADE)
def test_other_labels_and_other_classes_are_refused(task, tmp_path):
    made = MADE[task]()
    base = label_run(tmp_path / "base", made)
    changed = made.targets.copy()
    changed[3, 0] = 1 - changed[3, 0] if not np.isnan(changed[3, 0]) else 1
    other = label_run(tmp_path / "other", replace(made, targets=changed))
    with pytest.raises(DataError, match=r"1 of 240 images carry other labels in .other. than in .base. .such as 003"):
        compare_runs([base, other])
    if task == "multilabel":
        renamed = label_run(tmp_path / "renamed", replace(made, classes=("bus", "car", "rain", "fog")))
        with pytest.raises(DataError, match="Averages over other classes do not compare"):
            compare_runs([base, renamed])
