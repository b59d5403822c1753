"""The report of predicted values: its numbers are those of the summary, shown as plain numbers."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.report.fake_run import HOSTILE
from tests.report.fake_values import make_value_run, registered
from vision_ft.evaluate.regression.predictions import ValuePredictions
from vision_ft.evaluate.regression.slices import error_sentences, error_slices, group_biases, mean_ends, range_biases
from vision_ft.evaluate.regression.summary import summarise_values
from vision_ft.reporting import build_report
from vision_ft.reporting.caveats.values import slope_of, value_warnings
from vision_ft.reporting.collect.log_lines import panels
from vision_ft.reporting.collect.run import collect_run
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, number, number_span
from vision_ft.reporting.sections import curves
from vision_ft.reporting.sections.values import gallery, groups, overview, residuals, scatter, slices, targets

NONE = ImageIndex({})
TWO = ("cells", "diameter")


@pytest.fixture(autouse=True)
def _shown():
    with registered():
        yield


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> RunView:
    with registered():
        return collect_run(make_value_run(tmp_path_factory.mktemp("one")))


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> RunView:
    with registered():
        return collect_run(make_value_run(tmp_path_factory.mktemp("two"), targets=TWO))


def split_of(true, found, *, name: str = "test", groups=None) -> ValueSplit:
    """A split of one target, or of several where the values are a matrix."""
    true, found = (np.asarray(values, np.float64).reshape(len(true), -1) for values in (true, found))
    names = ("cells", "diameter", "age")[: true.shape[1]]
    members = None if groups is None else np.array(groups, dtype=object)
    predictions = ValuePredictions(names, [f"{row}.png" for row in range(len(true))], true, found, groups=members)
    return ValueSplit(name=name, predictions=predictions, summary=dict(summarise_values(predictions)))


def run_of(split: ValueSplit) -> RunView:
    return RunView("run", "regression", split.targets, {split.name: split}, Path)


def said(split: ValueSplit) -> dict[str, str]:
    """Text of each warning -> its level, in their order."""
    return {w["text"]: w["level"] for w in value_warnings(run_of(split), split)}


def find(split: ValueSplit, words: str) -> tuple[str, str]:
    """The level and the text of the one warning that holds some words."""
    ((text, level),) = [(text, level) for text, level in said(split).items() if words in text]
    return level, text


def test_a_plain_number_has_three_digits_and_no_percent():
    assert [number(value) for value in (2.314, -0.8, 12345.6, 999.7, 0.0, -0.0, None)] == [
        "2.31",
        "−0.8",
        "12,346",
        "1,000",
        "0",
        "0",
        "—",
    ]
    assert number(1.2, sign=True) == "+1.2"
    assert number_span((-1.25, 2)) == "−1.25 to 2"
    assert number_span((None, 2)) == number_span(None) == ""


def test_the_result_is_said_in_a_sentence_with_the_median_to_compare_with(one):
    row = one.main.summary["per_target"][0]
    low, high = row["mae_interval"]
    below, above = row["r2_interval"]
    assert overview.headline(one, one.main) == (
        f"On 51 test images the model predicts cells with a mean absolute error of {row['mae']:.3g} ({low:.3g} to "
        f"{high:.3g}); always predicting the median would give {row['mae_of_median']:.3g}. R2 {row['r2']:.3g} "
        f"({below:.3g} to {above:.3g})."
    )
    assert row["mae"] == pytest.approx(np.abs(one.main.predictions.errors).mean())


def test_the_summary_is_that_of_the_run_with_its_seed(one, tmp_path):
    written = json.loads((make_value_run(tmp_path) / "metrics.json").read_text())["splits"]
    for name, split in one.splits.items():
        assert json.loads(json.dumps(split.summary)) == written[name]


def test_the_cards_of_one_target_are_plain_numbers_with_intervals(one):
    numbers = one.main.summary
    cards = {card["label"]: card for card in overview.PAGE_ONE.cards(one, one.main)}
    assert list(cards) == ["R2", "MAE (cells)", "RMSE (cells)", "Spearman"]
    for card, metric in zip(cards.values(), ("r2", "mae", "rmse", "spearman"), strict=True):
        assert card["text"] == f"{numbers[metric]:.3g}"
        assert card["interval_text"] == " to ".join(f"{end:.3g}" for end in numbers[f"{metric}_interval"])
    assert overview.PAGE_ONE.table(one, one.main) is None


def test_two_targets_have_a_mean_r2_and_a_table_in_place_of_the_other_cards(two):
    numbers = two.main.summary
    assert [card["label"] for card in overview.PAGE_ONE.cards(two, two.main)] == ["Mean R2", "Mean Spearman"]
    assert overview.headline(two, two.main).startswith(
        f"On 51 test images the model predicts 2 targets with a mean R2 of {numbers['r2']:.3g} ("
    )
    table = overview.PAGE_ONE.table(two, two.main)
    assert [row[0] for row in table["rows"]] == list(TWO)
    for shown, row in zip(table["rows"], numbers["per_target"], strict=True):
        assert shown[3].startswith(f"{row['mae']:.3g} (")
        assert shown[4:] == [f"{row[name]:.3g}" for name in ("mae_of_median", "rmse", "spearman")]


def test_what_goes_wrong_most_names_ranges_and_groups_and_leads_to_their_sections(one):
    pairs = overview.PAGE_ONE.pairs(one, one.main)
    errors = one.main.predictions.errors[one.main.predictions.groups == "south", 0]
    (south,) = [pair for pair in pairs if pair["true"] == "group south"]
    assert south["section"] == "groups"
    assert south["amount"] == f"{errors.mean():.3g} too high on average (25 images)"
    assert {pair["section"] for pair in pairs} == {"groups", "residuals"}


def test_without_bias_nothing_stands_out():
    true = np.arange(60.0)
    split = split_of(true, true + np.tile([1.0, -1.0], 30), groups=["a", "a", "b", "b"] * 15)
    assert overview.PAGE_ONE.pairs(run_of(split), split) == []


def test_a_target_that_cannot_be_learned_is_said_to_be_so():
    rng = np.random.default_rng(0)
    true = rng.normal(size=60)
    noise = split_of(true, rng.normal(size=60))
    assert noise.summary["r2"] < 0
    level, text = find(noise, "not shown")
    assert (level, text) == ("error", "The model is not shown to beat always predicting the mean.")
    assert next(iter(said(noise).values())) == "error"
    good = split_of(np.stack([true, true], 1), np.stack([true + 0.1, rng.normal(size=60)], 1))
    assert find(good, "not shown")[1] == "The model is not shown to beat always predicting the mean of diameter."


def test_a_mean_error_and_flat_predictions_are_said_with_their_size():
    true = np.linspace(0, 100, 80)
    found = 50 + 0.5 * (true - 50) + np.tile([2.0, -2.0, -2.0, 2.0], 20) + 6
    level, text = find(split_of(true, found), "on average")
    assert level == "warning"
    assert re.fullmatch(r"Predictions of cells are 6 too high on average \([\d.]+ to [\d.]+\)\.", text)
    level, text = find(split_of(true, found), "drawn to the middle")
    assert level == "info"
    assert "(slope 0.5): true values run from 0 to 100, predictions from 29.6 to 83" in text
    fair = said(split_of(true, true + np.tile([2.0, -2.0], 40)))
    assert not any("average" in text or "middle" in text for text in fair)


def test_the_slope_is_that_of_a_line_through_the_points():
    true = np.array([1.0, 2.0, 4.0, 7.0])
    found = np.array([2.0, 1.5, 6.0, 5.0])
    assert slope_of(true, found) == pytest.approx(np.polyfit(true, found, 1)[0])
    assert slope_of(np.ones(4), found) is None


def test_few_images_validation_and_a_target_that_hardly_varies_carry_their_warning():
    true = np.r_[np.full(18, 3.0), 5.0, 6.0]
    split = split_of(true, true + 0.1, name="val")
    assert find(split, "nearly constant")[1].startswith("cells is nearly constant, 90% of the images have the same")
    assert find(split, "every number here is rough")[0] == "warning"
    assert find(split, "Validation chose the model")[0] == "warning"
    constant = split_of(np.full(40, 3.0), np.linspace(2, 4, 40))
    assert find(constant, "is the same in all images")[0] == "warning"
    assert constant.worst_first[0][0] in (0, 39)


def test_groups_that_differ_are_said_and_even_ones_are_not():
    rng = np.random.default_rng(0)
    true, members = rng.uniform(0, 20, 80), np.tile(["north", "south"], 40)
    found = true + rng.normal(0, 1, 80)
    assert not any("Groups differ" in text for text in said(split_of(true, found, groups=members)))
    shifted = split_of(true, found + 4 * (members == "south") - 4 * (members == "north"), groups=members)
    text = find(shifted, "Groups differ")[1]
    assert re.fullmatch(
        r"Groups differ: predictions are on average [34]\.\d+ too (low in north|high in south), "
        r"[34]\.\d+ too (low in north|high in south)\.",
        text,
    )


def test_the_interval_of_a_mean_is_the_t_interval():
    from scipy import stats

    values = np.array([1.0, 2.0, 4.0, 8.0])
    known = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert mean_ends(values) == pytest.approx(known)
    wide = stats.t.interval(0.99, 3, loc=values.mean(), scale=stats.sem(values))
    assert mean_ends(values, parts=5) == pytest.approx(wide)
    assert mean_ends(values[:1]) is None


def test_biases_of_groups_and_ranges_are_means_of_their_own_images(two):
    predictions = two.main.predictions
    rows = {(row["group"], row["target"]): row for row in group_biases(predictions)}
    south = predictions.errors[predictions.groups == "south", 1]
    assert rows["south", 1]["bias"] == pytest.approx(south.mean())
    ranges = [row for row in range_biases(predictions) if row["target"] == 1]
    assert sum(row["n"] for row in ranges) == 51
    first = predictions.targets[:, 1] <= ranges[0]["to"]
    assert ranges[0]["mae"] == pytest.approx(np.abs(predictions.errors[first, 1]).mean())
    assert ranges[0]["from"] == predictions.targets[:, 1].min()


def test_a_dark_quarter_with_larger_errors_is_said_in_a_sentence():
    errors = np.tile([0.9, 1.1], 50)
    errors[:25] += 4
    errors[99] = np.nan
    rows = error_slices(errors, {"brightness": np.arange(100.0), "size": np.full(100, 9.0)})
    assert [row["slice"] for row in rows][0] == "darkest quarter"
    assert sum(row["n"] for row in rows) == 99
    assert error_sentences(rows)[0].startswith("In the darkest quarter (25 images) the mean absolute error is 5 [")
    assert "elsewhere" in error_sentences(rows)[0]


def test_the_gallery_starts_with_the_largest_error_in_units_of_the_spread(two):
    predictions = two.main.predictions
    scaled = np.abs(predictions.errors) / predictions.targets.std(axis=0)
    row, k = np.unravel_index(scaled.argmax(), scaled.shape)
    view = gallery.SECTION.build_split(two, two.main, NONE)
    first = view["first"][0]
    assert (first["path"], first["target"]) == (predictions.paths[row], TWO[k])
    assert first["error"].replace("−", "-") == f"{predictions.errors[row, k]:+.3g}"
    assert view["total"] == 51


def test_the_tables_of_targets_and_groups_hold_the_numbers_of_the_summary(two):
    rows = targets.SECTION.build_split(two, two.main, NONE)["rows"]
    assert [{key: row[key] for key in row if key != "differs"} for row in rows] == two.main.summary["per_target"]
    view = groups.SECTION.build_split(two, two.main, NONE)
    assert len(view["rows"]) == 4
    assert (view["rows"][0]["group"], view["rows"][0]["target"]) == ("south", "cells")  # 3 too high
    assert view["rows"][0]["differs"]
    sizes = [row["scaled"] for row in view["rows"]]
    assert sizes == sorted(sizes, reverse=True)


def test_slices_are_in_units_of_one_target_and_of_spreads_for_several(one, two):
    for run in (one, two):
        view = slices.SECTION.build_split(run, run.main, NONE)
        assert [label for label, _ in view["tables"]] == ["Brightness", "Sharpness", "Size (shorter side)"]
        mae = sum(row["mae"] * row["n"] for row in view["tables"][0][1]) / 51
        errors = np.abs(run.main.predictions.errors)
        expected = errors if run is one else errors / run.main.predictions.targets.std(axis=0)
        assert mae == pytest.approx(expected.mean())


def test_charts_of_many_images_and_targets_stay_small_and_say_so():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(2500, 1))
    split = split_of(true, true + 0.1)
    (chart,) = scatter.SECTION.build_split(run_of(split), split, NONE)["charts"]
    assert (chart["svg"].count("<circle"), chart["of"]) == (chart["shown"], 2500)
    assert 1900 <= chart["shown"] <= 2000
    (errors,) = residuals.SECTION.build_split(run_of(split), split, NONE)["charts"]
    assert errors["shown"] == chart["shown"]


def test_curves_of_an_r2_below_zero_are_plain_numbers(one):
    shown = {panel.title: panel.is_share for panel in panels(one.epochs, one.task)}
    assert shown == {"Loss": False, "R2": False, "MAE": False, "RMSE": False, "Spearman": False}
    view = curves.SECTION.build(one)
    assert view["chosen"] == "Epoch 5 was chosen on validation (R2 0.71)."
    assert not any("%" in chart["svg"] for chart in view["charts"])


def read(file) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_report_is_one_page_with_figures_and_tables_beside_it(tmp_path):
    page = build_report(make_value_run(tmp_path, targets=TWO, groups=("north", None)))
    text, beside = page.read_text(encoding="utf-8"), page.with_suffix("")
    for name in ("scatter", "residuals", "worst", "targets", "groups", "slices", "curves", "lineage"):
        assert f'<section id="{name}"' in text
    assert text.count('<img src="data:image/webp') == 2 * 51  # those behind "more" as well
    without_style = re.sub(r"(?s)<style>.*?</style>|<script.*?</script>", "", text)
    assert set(re.findall(r"([\d.]+)%", without_style)) == {"95"}  # of intervals
    for name in ("predicted_against_true.png", "residuals.png", "per_target_val.csv", "by_group.csv"):
        assert (beside / name).stat().st_size > 0
    rows = read(beside / "predictions.csv")
    assert len(rows) == 2 * 51
    first = rows[0]
    assert float(first["predicted"]) - float(first["true"]) == pytest.approx(float(first["error"]), abs=1e-3)
    summary = collect_run(page.parent).main.summary
    assert float(read(beside / "per_target.csv")[1]["mae_low"]) == pytest.approx(
        summary["per_target"][1]["mae_interval"][0], rel=1e-5
    )


def test_names_that_html_reads_are_escaped_and_unreadable_images_are_named(tmp_path):
    run = make_value_run(tmp_path, targets=(HOSTILE, "b"), groups=(HOSTILE, "<b>"), images=False, splits=("val",))
    text = build_report(run).read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "<b>" not in text
    assert "51 images could not be read" in text
    assert "val/0000.png</span>" in text


def test_unknown_values_an_empty_target_and_no_value_at_all_are_shown_as_such(tmp_path):
    true = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan], [4.0, np.nan]])
    run = collect_run(
        make_value_run(tmp_path / "a", targets=TWO, num=4, groups=("n", "empty"), values=(true, np.ones((4, 2))))
    )
    assert "No image of this split has a value of diameter: not measured." in said(run.main)
    assert overview.headline(run, run.main).startswith("On 3 test images the model predicts 2 targets")
    assert [row["n"] for row in groups.SECTION.build_split(run, run.main, NONE)["rows"]] == [2, 1]
    assert len(scatter.SECTION.build_split(run, run.main, NONE)["charts"]) == 1
    text = build_report(tmp_path / "a" / "run").read_text(encoding="utf-8")
    assert "nan" not in re.sub(r"(?s)<script.*?</script>", "", text)
    nothing = make_value_run(tmp_path / "b", num=3, values=(np.full((3, 1), np.nan), np.ones((3, 1))))
    text = build_report(nothing).read_text(encoding="utf-8")
    assert "No image of this split has a value (3 images without one)." in text
    rows = read(nothing / "report" / "predictions.csv")
    assert [(row["true"], row["predicted"], row["error"]) for row in rows] == [("", "1.0", "")] * 3
