"""The page as text: self-contained, escaped, small, and with the tables beside it."""

from __future__ import annotations

import csv
import json
import re

import pytest
from PIL import Image

from tests.report.fake_adaptation import make_adapted_run
from tests.report.fake_run import HOSTILE, make_run
from vision_ft.errors import DataError
from vision_ft.reporting import build_report, build_report_from_predictions
from vision_ft.reporting.caveats.classification import class_warnings
from vision_ft.reporting.collect.run import collect_predictions, collect_run
from vision_ft.reporting.html import embed_json
from vision_ft.reporting.pages import PAGES
from vision_ft.reporting.sections.classification.overview import headline


def payload(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_page_has_every_section_and_asks_nothing_from_outside(tmp_path):
    page = build_report(make_adapted_run(tmp_path)).read_text(encoding="utf-8")
    for section in PAGES["classification"].sections:
        assert f'<section id="{section.id}"' in page, section.id
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_headline_says_the_result_in_words(tmp_path):
    run = collect_run(make_run(tmp_path))
    assert headline(run, run.main) == (
        "86.1% of 72 test images are right (76.3–92.3%). Most errors: Indigo Bunting taken for Blue Grosbeak (4 of 12)."
    )


def test_hostile_names_are_text_everywhere(tmp_path):
    classes = [HOSTILE, "</script><!--<script>", '"><img src=x onerror=alert(1)>', "a&b \u2028"]
    page = build_report(make_run(tmp_path, classes=classes, per_class=30)).read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert page.count("</script>") == 2
    assert page.count("<!--") == 0
    assert payload(page)["classes"] == classes


def test_json_cannot_break_out_of_its_script_element():
    text = embed_json({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}


def test_names_of_ten_thousand_characters_are_cut(tmp_path):
    page = build_report(make_run(tmp_path, classes=["x" * 10_000, "y"])).read_text(encoding="utf-8")
    assert "x" * 401 not in page
    with (tmp_path / "run" / "report" / "per_class.csv").open(newline="", encoding="utf-8") as stream:
        assert len(next(csv.DictReader(stream))["class"]) == 10_000


def test_tables_and_figures_lie_beside_the_page(tmp_path):
    run_dir = make_run(tmp_path)
    build_report(run_dir)
    names = {file.name for file in (run_dir / "report").iterdir()}
    assert names >= {
        "confusion.png", "per_class.png", "reliability.png", "learning_curves.png", "per_class.csv", "confusion.csv",
        "confused_pairs.csv", "mistakes.csv", "groups.csv", "mistakes_val.csv",
    }  # fmt: skip
    split = collect_run(run_dir).main
    with (run_dir / "report" / "mistakes.csv").open(newline="", encoding="utf-8") as stream:
        mistakes = list(csv.DictReader(stream))
    assert [row["path"] for row in mistakes] == [split.predictions.paths[row] for row in split.mistakes]
    with (run_dir / "report" / "confusion.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert sum(int(value) for row in rows[1:] for value in row[1:]) == 72


def test_embedded_pictures_belong_to_their_rows(tmp_path):
    page = build_report(make_run(tmp_path)).read_text(encoding="utf-8")
    data = payload(page)
    split = collect_run(tmp_path / "run").main
    by_path = {path: row for row, path in enumerate(split.predictions.paths)}
    for path, true, predicted, confidence, *_ in data["splits"]["test"]["pictures"]:
        row = by_path[path]
        assert (true, predicted) == (split.predictions.targets[row], split.predictions.predicted[row])
        assert confidence == pytest.approx(split.confidence[row], abs=1e-4)
    assert sum(cell[2] for cell in data["splits"]["test"]["confusion"]["cells"]) == 72


def test_moved_pictures_leave_a_report_with_paths(tmp_path):
    run_dir = make_run(tmp_path, pictures=False)
    page = build_report(run_dir).read_text(encoding="utf-8")
    assert payload(page)["thumbnails"] == []
    assert "could not be read: their paths are shown instead" in page


@pytest.mark.parametrize(
    "text",
    [
        "path,target,predicted\na.jpg,cat,cat\nb.jpg,cat,dog\n",
        "path,target,score_cat,score_dog\na.jpg,cat,0.9,0.1\nb.jpg,dog,0.6,0.4\n",
        "path,target,predicted,confidence,group\na.jpg,cat,cat,0.7,x\nb.jpg,,dog,0.8,\n",
        "path,target,predicted\na.jpg,,cat\n",
        "path,target,predicted\na.jpg,only,only\n",
    ],
)
def test_predictions_of_other_tools_become_a_page(tmp_path, text):
    file = tmp_path / "predictions.csv"
    file.write_text(text)
    page = build_report_from_predictions(file, tmp_path / "out" / "page.html")
    assert page == tmp_path / "out" / "page.html"
    assert "Confusion matrix" in page.read_text(encoding="utf-8")
    assert (tmp_path / "out" / "page" / "mistakes.csv").is_file()
    assert build_report_from_predictions(file, tmp_path / "folder") == tmp_path / "folder" / "report.html"


def test_a_wrong_column_is_a_data_error(tmp_path):
    file = tmp_path / "predictions.csv"
    file.write_text("path,target,predcted\na,b,c\n")
    with pytest.raises(DataError, match='"predcted"'):
        build_report_from_predictions(file, tmp_path)


def test_warnings_name_the_weak_group_the_dark_quarter_and_a_useless_model(tmp_path):
    csv_file = tmp_path / "p.csv"
    rows = [f"{k}.jpg,{'ab'[k % 2]},{'ab'[k % 2]},good" for k in range(60)]
    rows += [f"n{k}.jpg,{'ab'[k % 2]},a,bad" for k in range(60)]
    csv_file.write_text("path,target,predicted,group\n" + "\n".join(rows))
    run = collect_predictions(csv_file)
    texts = [warning["text"] for warning in class_warnings(run, run.main)]
    assert "Groups differ: 50% [38–62%] in bad, 100% [94–100%] in good." in texts
    csv_file.write_text("path,target,predicted\n" + "\n".join(f"{k},{'ab'[k % 2]},a" for k in range(200)))
    run = collect_predictions(csv_file)
    assert class_warnings(run, run.main)[0]["level"] == "error"
    assert "always predicting the most frequent class is right in 50.0%" in class_warnings(run, run.main)[0]["text"]


def test_validation_numbers_carry_their_warning(tmp_path):
    run = collect_run(make_run(tmp_path, splits=("val",)))
    texts = " ".join(warning["text"] for warning in class_warnings(run, run.main))
    assert "Validation chose the model, so its numbers flatter. There is no test split" in texts


def test_sections_have_their_own_ids_and_one_builder():
    for page in PAGES.values():
        assert len({section.id for section in page.sections}) == len(page.sections)
        assert all((section.build is None) != (section.build_split is None) for section in page.sections)


@pytest.mark.slow
def test_five_hundred_classes_with_real_sized_pictures_stay_under_20_mb(tmp_path):
    run_dir = make_run(tmp_path, classes=[f"class {k}" for k in range(500)], per_class=20, groups=None, pictures=False)
    noise = Image.effect_noise((112, 112), 90).convert("RGB")  # the worst case: noise does not compress
    page = build_report(run_dir, load_thumbnail=lambda path: noise)
    assert 12e6 < page.stat().st_size < 20e6
