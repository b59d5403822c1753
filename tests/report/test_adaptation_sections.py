"""The sections of an adaptation in the page: there for adapted runs alone, whole with little known, escaped."""

from __future__ import annotations

import csv
import json
import re

import pytest

from tests.report.fake_adaptation import adaptation, little_known, make_adapted_run
from tests.report.fake_run import HOSTILE, make_run
from vision_ft.reporting import build_report
from vision_ft.reporting.caveats.classification import class_warnings
from vision_ft.reporting.collect.run import collect_run
from vision_ft.reporting.pages import PAGES

IDS = ["decision", "shift", "candidates", "label-budget", "next-labels", "honest-split"]


def text_of(page: str, section: str) -> str:
    """The words of a section as a reader sees them."""
    found = re.search(rf'<section id="{section}".*?</section>', page, re.S)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found))


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    return build_report(make_adapted_run(tmp_path_factory.mktemp("adapted"))).read_text(encoding="utf-8")


def test_sections_of_an_adaptation_come_first_and_in_the_order_of_the_questions(page):
    found = re.findall(r'<section id="([^"]+)"', page)
    assert found[:7] == [*IDS, "overview"]
    assert '<a class="skip" href="#decision">' in page


def test_a_run_that_was_not_adapted_has_none_of_them(tmp_path):
    page = build_report(make_run(tmp_path)).read_text(encoding="utf-8")
    found = re.findall(r'<section id="([^"]+)"', page)
    assert found[0] == "overview"
    assert not set(IDS) & set(found)
    assert not (tmp_path / "run" / "report" / "candidates.csv").exists()


def test_decision_says_what_to_use_what_it_gains_and_what_it_costs(page):
    words = text_of(page, "decision")
    assert "Gate passed Use “Gradual unfreeze”" in words
    assert "70.0% → before, 90.5% after +20.5 points (+17.0 to +23.9)" in words
    assert "95.0% → before, 94.4% after −0.6 points (−1.8 to +0.5)" in words
    assert "50 40 to learn from, 10 to choose by of 50 allowed" in words
    assert "exit code" not in words
    assert "1 candidate not run" in words


def test_a_gate_that_is_not_passed_names_its_exit_code_and_keeps_the_source(tmp_path):
    run = make_adapted_run(tmp_path, adaptation(passed=False))
    words = text_of(build_report(run).read_text(encoding="utf-8"), "decision")
    assert "Gate not passed, exit code 3 Keep the source model" in words
    assert "Source model Stays in use" in words
    assert "run this run : kept the source model" in words


def test_the_recommended_row_is_marked_and_only_it(page):
    decision = re.search(r'<section id="decision".*?</section>', page, re.S)[0]
    rows = re.findall(r'<tr class="chosen">.*?</tr>', decision, re.S)
    assert len(rows) == 1
    assert "Gradual unfreeze" in rows[0]


def test_lineage_reads_from_the_oldest_run_to_this_one(page):
    words = text_of(page, "decision")
    places = [words.index(name) for name in ("lot-a : trained", "lot-b : BatchNorm re-estimation", "run this run")]
    assert places == sorted(places)


def test_classes_that_came_and_stayed_are_named(page):
    words = text_of(page, "decision")
    assert "New on the new camera, and added to the head: &lt;script&gt;alert(1)&lt;/script&gt;." in words
    assert "Not seen on the new camera, and kept in the head: Cardinal." in words


def test_shift_is_said_in_words_numbers_and_sorted_pixel_statistics(page):
    words = text_of(page, "shift")
    assert words.index("Looks like lighting") < words.index("Matching colour and contrast removes 63%")
    assert "0.98 0.97–0.99 AUC" in words
    assert "p = 0.002" in words
    assert words.index("contrast 0.210 0.120 −2.4") < words.index("brightness 0.520 0.310 −1.7")
    assert words.index("Indigo Bunting 70%") < words.index("Blue Grosbeak 30%")  # the larger change first
    assert "the shares of the new camera are estimated" in words


def test_candidates_show_validation_cost_remarks_and_why_one_was_skipped(page):
    words = text_of(page, "candidates")
    assert "Gradual unfreeze 91.0% +20.5 0.095 94.9% −0.6 0.056 0.5 yes 11,176,512 31" in words
    assert "Rehearsal: a quarter of each batch is old." in words
    assert "Surgical fine-tuning : was not asked for by --strategy" in words
    assert "1 91.3% 93.6% over" in words  # alpha 1 of full fine-tuning
    assert "0.75 87.9% 94.2% within, taken" in words


def test_budget_and_honest_split_show_their_sentence_and_numbers(page):
    budget = text_of(page, "label-budget")
    assert "From 100 labels on, more labels gain less than 1 point." in budget
    assert "10 74.0% 68.0–80.0% 5" in budget
    honest = text_of(page, "honest-split")
    assert "Honest: whole groups are held out 86.0% 83.0–89.0% 400" in honest
    assert "Random: frames are held out 97.0%" in honest


def test_pictures_to_label_are_shown_without_the_script_and_only_once_in_the_page(page):
    section = re.search(r'<section id="next-labels".*?</section>', page, re.S)[0]
    uris = re.findall(r'<img src="(data:image/webp;base64,[^"]+)"', section)
    assert len(uris) == 12  # the other 18 paths are no files of this run
    assert "1. unsure, and unlike the labelled ones" in section
    assert "2. the model is unsure" in section
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])
    assert not set(uris) & set(data["thumbnails"])  # train images: the script never shows them


def test_more_pictures_than_are_shown_are_counted(tmp_path):
    value = adaptation()
    row = value["next_labels"]["rows"][0]
    value["next_labels"] = {"count": 60, "file": "to_label.csv", "rows": [row | {"rank": k} for k in range(60, 0, -1)]}
    words = text_of(build_report(make_adapted_run(tmp_path, value)).read_text(encoding="utf-8"), "next-labels")
    assert "60 images of the new camera" in words
    assert "The first 48 are shown." in words
    assert " 48. " in words
    assert " 49. " not in words


def test_what_is_unknown_is_left_out_and_said(tmp_path):
    page = build_report(make_adapted_run(tmp_path, little_known())).read_text(encoding="utf-8")
    found = re.findall(r'<section id="([^"]+)"', page)
    assert found[:4] == ["decision", "shift", "candidates", "overview"]
    words = text_of(page, "decision")
    assert "What was forgotten could not be measured: the images of runs/lot-a are gone" in words
    assert "No test image has a label, so no model could be measured." in words
    assert "None" not in words
    assert "Old camera" not in words


def test_without_test_pictures_of_the_new_camera_validation_speaks_and_it_is_said(tmp_path):
    value = adaptation()
    for entry in value["candidates"]:
        entry["test"], entry["change"] = entry["test"] | {"new": None}, entry["change"] | {"new": None}
    words = text_of(build_report(make_adapted_run(tmp_path, value)).read_text(encoding="utf-8"), "decision")
    assert "New camera 70.5% → before, 91.0% after +20.5 points on 100 validation images" in words
    assert "The new camera has no labelled test image: only the validation images, which chose, tell of it." in words
    assert "What is gained against what is forgotten" not in words


def test_matching_that_drives_the_cameras_apart_removes_nothing(tmp_path):
    value = adaptation()
    value["shift"]["matched_share"] = -0.07
    words = text_of(build_report(make_adapted_run(tmp_path, value)).read_text(encoding="utf-8"), "shift")
    assert "Removed by matching colour nothing" in words


def test_every_section_names_the_metric_of_the_adaptation(tmp_path):
    value = json.loads(json.dumps(adaptation()).replace('"accuracy', '"map'))
    value["budget"]["metric"] = value["honest_split"]["metric"] = "map"
    page = build_report(make_adapted_run(tmp_path, value)).read_text(encoding="utf-8")
    assert "mAP with 95% intervals" in text_of(page, "decision")
    assert "mAP on the new camera" in text_of(page, "label-budget")
    assert "Split mAP Worst and best draw" in text_of(page, "honest-split")
    for section in ("candidates", "label-budget", "honest-split"):
        assert "ccuracy" not in text_of(page, section)


@pytest.mark.parametrize("task", sorted(PAGES))
def test_every_task_shows_the_sections_of_an_adaptation_first(task):
    ids = [section.id for section in PAGES[task].sections]
    assert ids[:7] == ["decision", "shift", "candidates", "label-budget", "next-labels", "honest-split", "overview"]


def test_hostile_names_of_an_adaptation_are_text(page):
    assert "<script>alert" not in page
    assert page.count("</script>") == 2


def test_candidates_are_a_table_beside_the_page(tmp_path):
    run = make_adapted_run(tmp_path)
    build_report(run)
    with (run / "report" / "candidates.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    assert rows["full"]["new_change"] == "0.213"
    assert rows["full"]["verdict"] == "Within the limit"
    assert rows["surgical"]["status"] == "skipped"
    assert rows["surgical"]["new_value"] == ""


def test_overview_says_that_it_counts_both_cameras_together(tmp_path):
    run = collect_run(make_adapted_run(tmp_path))
    assert run.main.cameras == {"new": 24, "old": 48}
    texts = [warning["text"] for warning in class_warnings(run, run.main)]
    assert (
        "Both cameras are counted together here (24 images of the new and 48 images of the old one): "
        "the decision tells them apart."
    ) in texts


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "adaptation.json cannot be read"),
        ('{"format_version": 2}', "adaptation.json has format_version 2, this version reads 1"),
        ('{"format_version": 1, "candidates": []}', "adaptation.json lacks a decision or a list of candidates"),
    ],
)
def test_a_damaged_file_is_named_and_leaves_the_report_of_a_usual_run(tmp_path, text, problem):
    run = make_run(tmp_path)
    (run / "adaptation.json").write_text(text, encoding="utf-8")
    view = collect_run(run)
    assert view.adaptation == {}
    assert any(found.startswith(problem) for found in view.problems)
    assert problem in build_report(run).read_text(encoding="utf-8")


def test_nulls_in_every_list_do_not_stop_the_report(tmp_path):
    value = adaptation()
    for entry in value["candidates"]:
        entry |= {"alphas": None, "notes": None, "val": None, "test": None, "change": None, "val_change": None}
    value |= {"shift": None, "lineage": None, "classes": None, "labels": None, "new": None, "old": None}
    value["decision"]["reasons"] = None
    page = build_report(make_adapted_run(tmp_path, value)).read_text(encoding="utf-8")
    assert "Use “Gradual unfreeze”" in text_of(page, "decision")
    assert HOSTILE not in page
