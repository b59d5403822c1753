"""Comparisons of runs of masks and boxes, and the runs that cannot be compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import vision_ft as vf
from tests.compared import base_run
from tests.compared_dense import boxes, dense_run, masks
from vision_ft.cli.console import console
from vision_ft.cli.reports.compare import print_comparison
from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.runs import compare_runs
from vision_ft.evaluate.read import take_rows

MAKERS = {"miou": (masks, 0.3), "map": (boxes, 0.5)}
WORDS = {"miou": "mIoU", "map": "mAP"}


@pytest.fixture(params=MAKERS)
def pair(request, tmp_path):
    """(metric, folder of the first run, folder of a better one)."""
    make, share = MAKERS[request.param]
    return request.param, dense_run(tmp_path / "old", make()), dense_run(tmp_path / "new", make(mended=share))


def test_the_better_run_is_named_with_its_difference_interval_and_p(pair):
    metric, old, new = pair
    result = compare_runs([old, new])
    found = result["pairs"][0]
    assert result["ranking"] == [1, 0]
    assert found["verdict"] == "better"
    assert found[metric]["value"] == pytest.approx(result["runs"][1][metric] - result["runs"][0][metric], abs=2e-6)
    assert found[metric]["low"] > 0
    assert re.fullmatch(
        rf'"new" is better than "old" by \d+\.\d points of {WORDS[metric]} \(\d+\.\d to \d+\.\d\), p .*\.',
        result["sentence"],
    )
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["runs"][0]["cost"]["trained_parameters"] == 500
    low, high = result["runs"][0][f"{metric}_interval"]
    assert low < result["runs"][0][metric] < high
    back = compare_runs([new, old])["pairs"][0]
    assert (back["verdict"], back[metric]["value"]) == ("worse", -found[metric]["value"])


def test_classes_groups_and_pictures_are_compared_one_by_one(pair):
    metric, old, new = pair
    result = compare_runs([old, new])
    found = result["pairs"][0]
    assert "never" not in {row["class"] for row in found["per_class"]}, "no true pixel, so nothing is measured"
    assert [row["value"] for row in found["groups"]] == sorted(row["value"] for row in found["groups"])
    assert len(found["groups"]) == {"miou": 10, "map": 8}[metric], "two sites have no object"
    assert result["by_group"]
    assert sum(found["outcomes"].values()) == 40
    assert found["outcomes"]["gained"] == len(found["gained"])
    gains = [item["after"] - item["before"] for item in found["gained"]]
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] > 0
    mean = np.mean([row["after"] - row["before"] for row in found["per_class"]])
    assert found[metric]["value"] == pytest.approx(mean, abs=1e-5), "the metric is the mean over the classes"


def test_equal_answers_are_called_equal(tmp_path):
    runs = [dense_run(tmp_path / name, boxes()) for name in ("a", "b")]
    result = compare_runs(runs)
    assert result["sentence"] == '"b" predicts the same as "a" for all 40 images.'
    assert result["pairs"][0]["verdict"] == "unclear"


def test_p_is_adjusted_and_the_leader_named_when_several_runs_are_compared(tmp_path):
    shares = {"a": 0.0, "b": 0.02, "c": 0.4}
    runs = [dense_run(tmp_path / name, masks(mended=share)) for name, share in shares.items()]
    result = compare_runs(runs)
    assert result["sentence"].startswith('"c" has the highest mIoU, ')
    assert all(pair["p_adjusted"] >= pair["p_value"] for pair in result["pairs"])
    assert "after Holm" in result["pairs"][0]["sentence"]


@pytest.mark.parametrize("make", [masks, boxes])
def test_the_order_of_pictures_and_of_classes_does_not_matter(make, tmp_path):
    made = make(mended=0.2)
    old = dense_run(tmp_path / "old", make())
    order = np.array([2, 0, 3, 1])
    classes = tuple(made.classes[k] for k in order)
    position = np.argsort(order)
    if make is masks:
        turned = replace(
            made, classes=classes, confusion=made.confusion[:, order][:, :, order], boundary=made.boundary[:, order]
        )
    else:
        parts = {name: [position[labels] for labels in getattr(made, name)] for name in ("labels", "target_labels")}
        turned = replace(made, classes=classes, **parts)
    shuffled = take_rows(turned, np.random.default_rng(0).permutation(40))
    plain, other = (
        compare_runs([old, dense_run(tmp_path / name, one)])["pairs"][0]
        for name, one in (("plain", made), ("other", shuffled))
    )
    assert other["per_class"] == plain["per_class"]
    assert other["outcomes"] == plain["outcomes"]


def test_what_cannot_be_compared_is_refused_with_the_reason(tmp_path):
    old = dense_run(tmp_path / "old", masks())

    def against(folder):
        return compare_runs([old, folder])

    with pytest.raises(DataError, match=r'"old" is a run of segmentation, "found" of detection. Give runs of one task'):
        against(dense_run(tmp_path / "found", boxes()))
    with pytest.raises(DataError, match=r'"old" is a run of segmentation, "run" of classification'):
        against(base_run(tmp_path / "labels"))
    with pytest.raises(DataError, match=r'"old" and "fewer" were tested on different images: 1 of 40 only in "old"'):
        against(dense_run(tmp_path / "fewer", masks(paths=[*masks().paths[:-1], "images/other.jpg"])))
    with pytest.raises(DataError, match=r'40 of 40 images carry another mask in "drawn" than in "old" \(such as ima'):
        against(dense_run(tmp_path / "drawn", masks(seed=5)))
    named = masks(classes=("ground", "tree", "bus", "never"))
    with pytest.raises(DataError, match=r"knows the classes .*'car'.*, \"named\" .*'bus'.*Averages over other classes"):
        against(dense_run(tmp_path / "named", named))


def test_true_boxes_that_moved_are_another_truth(tmp_path):
    made = boxes()
    moved = replace(made, target_boxes=[boxes + 1 for boxes in made.target_boxes])
    runs = [dense_run(tmp_path / "old", made), dense_run(tmp_path / "moved", moved)]
    with pytest.raises(DataError, match=r'images carry other true boxes in "moved" than in "old"'):
        compare_runs(runs)


def test_a_split_without_objects_has_no_number_and_no_verdict(tmp_path):
    made = boxes(mended=0.5)
    nothing = {"target_boxes": [np.zeros((0, 4))] * 40, "target_labels": [np.zeros(0, int)] * 40, "ignored": None}
    runs = [dense_run(tmp_path / name, replace(one, **nothing)) for name, one in (("a", boxes()), ("b", made))]
    result = vf.compare(*runs, out=tmp_path / "page.html")
    assert result["runs"][0]["map"] is None
    assert result["pairs"][0]["verdict"] == "unclear"
    assert "cannot be measured" in result["sentence"]


def test_four_pictures_are_too_few_to_prefer_a_run(tmp_path):
    pair = (masks(), masks(mended=0.9))
    runs = [
        dense_run(tmp_path / name, take_rows(one, np.arange(4))) for name, one in zip(("a", "b"), pair, strict=True)
    ]
    result = vf.compare(*runs, out=tmp_path / "page.html")
    assert result["pairs"][0]["verdict"] == "unclear"
    assert result["sentence"].endswith("4 images are too few to tell it from chance.")


def test_the_terminal_and_the_page_speak_of_the_task(pair, tmp_path, monkeypatch):
    metric, old, new = pair
    result = vf.compare(old, new, out=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    of_class = {"miou": "IoU", "map": "AP"}[metric]
    assert f"<h3>All runs, highest {WORDS[metric]} first</h3>" in page
    assert f"Classes, {of_class}" in page
    assert "p is that of the paired bootstrap" in page
    body = page.split("</style>")[1].split("<script>")[0].lower().replace("pixel accuracy", "")
    assert "accuracy" not in body
    monkeypatch.setattr(console, "_width", 120)
    console.begin_capture()
    print_comparison(result)
    shown = console.end_capture()
    assert WORDS[metric] in shown
    assert shown.index("│ new") < shown.index("│ old")
    assert result["sentence"] in shown.replace("\n", " ")
