"""The page of a comparison: self-contained, escaped, complete, and readable for hundreds of classes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

import vision_ft as vf
from tests.compared import base_run, better, copy_run
from tests.report.fake_run import HOSTILE, NAMES
from vision_ft.evaluate.comparing.runs import compare_runs
from vision_ft.reporting.compare_page import MAX_MATRIX_CLASSES, delta_matrix, write_comparison


@pytest.fixture
def base(tmp_path) -> Path:
    return base_run(tmp_path / "base").rename(tmp_path / "old")


def test_the_page_opens_with_the_verdict_and_asks_nothing_from_outside(base, tmp_path):
    out = tmp_path / "compare.html"
    result = vf.compare(base, copy_run(base, tmp_path / "new", better(0.8)), out=out)
    page = out.read_text(encoding="utf-8")
    assert f'<p class="headline">{escape(result["sentence"])}</p>' in page
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page
    for name in NAMES:
        assert name in page


def test_the_words_come_from_the_comparison_and_not_from_the_task(base, tmp_path):
    result = compare_runs([base, copy_run(base, tmp_path / "new", better(0.3))])
    result = json.loads(json.dumps(result).replace('"accuracy', '"kappa').replace('"macro_f1', '"rank'))
    result |= {"task": "none that is known", "of_class": "mean error", "test": "a test of ranks"}
    page = write_comparison(result, tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "p is that of a test of ranks" in page
    assert "Classes, mean error" in page
    assert "All runs, highest kappa first" in page
    assert ">points of kappa against " in page


def test_changed_pictures_are_shown_and_counted(base, tmp_path):
    result = compare_runs([base, copy_run(base, tmp_path / "new", better(0.8))])
    page = write_comparison(result, tmp_path / "compare.html").read_text(encoding="utf-8")
    gained = result["pairs"][0]["outcomes"]["gained"]
    assert page.count('src="data:image/webp') == 18
    assert f"{gained - 18} more images of this kind" in page


def test_pictures_that_moved_are_found_below_the_new_root_and_else_named_by_path(base, tmp_path):
    result = compare_runs([base, copy_run(base, tmp_path / "new", better(0.3))])
    (tmp_path / "base" / "pictures").rename(tmp_path / "moved")
    page = write_comparison(result, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "data:image/webp" not in page
    assert result["pairs"][0]["gained"][0]["path"] in page
    page = write_comparison(result, tmp_path / "a.html", data_root=tmp_path / "moved").read_text(encoding="utf-8")
    assert "data:image/webp" in page


def test_hostile_names_of_classes_runs_and_groups_are_text(tmp_path):
    classes = [HOSTILE, '"><img src=x onerror=alert(1)>', "x" * 10_000, "plain"]
    base = base_run(tmp_path / "base", classes=classes, groups=[f"{HOSTILE}{k}" for k in range(9)])
    new = copy_run(base, tmp_path / "<script>alert(2)<", better(0.5))
    vf.compare(base, new, out=tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "x" * 401 not in page
    assert page.count("</script>") == 1


def test_cells_are_good_or_bad_by_whether_they_are_right_answers():
    cells = [[0, 0, 5, 9], [0, 1, 4, 0], [1, 0, 1, 3], [1, 1, 6, 4]]
    table = delta_matrix(cells, ["a", "b"])["cells"]
    assert [[cell["text"] for cell in row] for row in table] == [["+4", "−4"], ["+2", "−2"]]
    assert [[cell["style"].split()[0] for cell in row] for row in table] == [["good", "good"], ["bad", "bad"]]
    assert table[0][1]["title"] == "a predicted as b: 4 before, 0 after"
    assert table[0][0]["opacity"] > table[1][0]["opacity"]


def test_of_many_classes_those_that_changed_most_are_shown_in_their_own_order():
    classes = [f"c{k}" for k in range(100)]
    cells = [[k, k, 10, 10 + (1 if k % 2 else 50)] for k in range(40)]
    matrix = delta_matrix(cells, classes)
    assert len(matrix["classes"]) == MAX_MATRIX_CLASSES
    assert matrix["left_out"] == 40 - MAX_MATRIX_CLASSES
    assert [name for name in matrix["classes"] if int(name[1:]) % 2 == 0] == [f"c{k}" for k in range(0, 40, 2)]
    assert matrix["classes"] == sorted(matrix["classes"], key=lambda name: int(name[1:]))


def test_hundreds_of_classes_and_groups_make_a_page_of_bounded_size(tmp_path):
    classes = [f"class {k:03d}" for k in range(300)]
    groups = [f"site {k}" for k in range(500)]
    base = base_run(tmp_path / "base", classes=classes, groups=groups, per_class=8, pictures=False)
    result = vf.compare(base, copy_run(base, tmp_path / "new", better(0.5)), out=tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    left_out = len(result["pairs"][0]["groups"]) - 200
    assert left_out > 200
    assert len(page) < 1_500_000
    assert "The largest losses and gains; 100 between them not shown." in page
    assert f"The largest losses and gains; {left_out} between them not shown." in page
    assert re.search(r"The 24 classes that changed most; \d+ classes not shown", page)


def test_equal_answers_make_a_page_without_a_matrix(base, tmp_path):
    vf.compare(base, copy_run(base, tmp_path / "new"), out=tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "predicts the same" in page
    assert "What changed in the confusion matrix" not in page


def test_runs_without_groups_have_no_table_of_groups(tmp_path):
    base = base_run(tmp_path / "base", groups=None)
    worse = copy_run(base, tmp_path / "new", lambda old: replace(old, predicted=np.zeros(len(old), int)))
    vf.compare(base, worse, out=tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "<h3>Groups</h3>" not in page
    assert "is worse than" in page
    assert "images are drawn" in page
