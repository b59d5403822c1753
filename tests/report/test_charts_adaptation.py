"""Charts and figures of an adaptation: what they show, where their names stand, and that nothing breaks out."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from tests.report.fake_adaptation import adaptation, candidate, little_known
from tests.report.fake_run import HOSTILE
from vision_ft.reporting.charts.adaptation import WIDTH, Dot, alpha_paths, alphas_chart, change_dots, changes_chart
from vision_ft.reporting.charts.budget import budget_chart, budget_points
from vision_ft.reporting.collect.adapted import read_candidates
from vision_ft.reporting.plots.adaptation import draw_alphas, draw_budget, draw_changes, write_adaptation_figures


def chart(value: dict, *, limit: float | None = 0.01):
    return changes_chart(read_candidates(value), limit=limit, recommended=value["decision"]["recommended"])


def test_dots_say_how_their_candidate_fared():
    dots = change_dots(read_candidates(adaptation()), recommended="gradual-unfreeze")
    assert [dot.look for dot in dots] == ["source", "refused", "allowed", "recommended", "allowed", "refused"]
    assert (dots[0].old, dots[0].new) == (0.0, 0.0)
    assert (dots[3].old, dots[3].new) == (-0.006, 0.205)


def test_the_limit_stands_left_of_zero_and_shades_what_forgets_more():
    text = chart(adaptation())
    zero = float(re.search(r'class="zero" x1="([\d.]+)" x2="\1"', text)[1])
    line = float(re.search(r'class="limit" x1="([\d.]+)"', text)[1])
    zone = re.search(r'class="zone" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', text)
    assert line < zero
    assert float(zone[1]) + float(zone[2]) == pytest.approx(line, abs=0.1)
    assert "limit −1.0 points" in text


def test_without_a_limit_there_is_no_line():
    assert 'class="limit"' not in chart(adaptation(), limit=None)
    assert 'class="zone"' not in chart(adaptation(), limit=None)


def test_without_old_pictures_there_is_no_chart():
    assert chart(little_known()) is None


def test_names_stay_inside_the_drawing_and_off_each_other():
    value = adaptation()
    value["candidates"] = [candidate(f"c{k}", f"Candidate number {k}", 0.2 + 0.001 * k, -0.005) for k in range(6)]
    value["decision"]["recommended"] = "c3"
    found = re.findall(r'<text class="label[^"]*" x="([\d.]+)" y="([\d.]+)">([^<]+)<', chart(value))
    places = [(float(x), float(y), len(text) * 7.3) for x, y, text in found]
    assert len(places) >= 4
    assert "Candidate number 3" in {text for *_, text in found}  # the recommended one is named first
    assert all(x >= 0 and x + width <= WIDTH for x, _, width in places)
    for place, (x, y, width) in enumerate(places):
        for other_x, other_y, other_width in places[place + 1 :]:
            assert abs(y - other_y) >= 15 or x + width <= other_x or other_x + other_width <= x


def test_the_drawing_is_told_to_those_who_do_not_see_it():
    label = re.search(r'aria-label="([^"]*)"', chart(adaptation()))[1]
    assert "Gradual unfreeze: old camera −0.6 points (−1.8 to +0.5), new camera +20.5 points" in label


def test_hostile_titles_are_text():
    value = adaptation()
    value["candidates"][3]["title"] = HOSTILE
    candidates = read_candidates(value)
    assert "<script>" not in chart(value)
    assert "<script>" not in alphas_chart(alpha_paths(candidates), limit=0.01)


def test_mixtures_start_at_the_source_and_mark_the_alpha_that_was_taken():
    paths = alpha_paths(read_candidates(adaptation()))
    assert [path.title for path in paths] == ["Gradual unfreeze", "Full fine-tuning"]
    assert [path.chosen for path in paths] == [2, 3]
    first, last = paths[0].dots[0], paths[0].dots[-1]
    assert (first.old, first.new) == (0.0, 0.0)
    assert (last.old, last.new) == pytest.approx((-0.0096, 0.205))
    assert [dot.look for dot in paths[1].dots] == ["allowed"] * 4 + ["refused"]
    text = alphas_chart(paths, limit=0.01)
    assert text.count('class="ring"') == 2
    assert "alpha 0.5: old −0.2 points, new +13.5 points, chosen" in text
    assert alphas_chart([], limit=0.01) is None


def test_a_sweep_without_its_start_is_left_out():
    value = adaptation()
    for entry in value["candidates"]:
        entry["alphas"] = entry["alphas"][1:]
    assert alpha_paths(read_candidates(value)) == []


def test_budget_points_are_sorted_and_unknown_ones_left_out():
    points = [
        {"labels": 50, "mean": 0.8, "low": None, "high": 0.9},
        {"labels": 10, "mean": 0.5},
        {"labels": 5, "mean": None},
    ]
    assert budget_points({"points": points}) == [(10, 0.5, 0.5, 0.5), (50, 0.8, 0.8, 0.9)]
    assert budget_chart({"points": []}) is None


def test_budget_of_one_point_and_no_source_is_still_drawn():
    text = budget_chart({"points": [{"labels": 7, "mean": 1.0, "low": 1.0, "high": 1.0}], "source": None})
    assert "7 labels: 100.0%" in text
    assert "source model" not in text


def test_a_budget_of_another_metric_says_its_name_and_may_be_negative():
    points = [{"labels": 5, "mean": -0.35, "low": -0.5, "high": -0.2}, {"labels": 50, "mean": 0.4}]
    document = {"points": points, "source": -0.1, "metric": "miou"}
    text = budget_chart(document)
    assert 'aria-label="mIoU on the new camera by labels"' in text
    assert "5 labels: −35.0% (−50.0% to −20.0%)" in text
    assert "source model, no labels: −10.0%" in text
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="(-?[\d.]+)"', text)]
    assert len(heights) == 2
    assert all(0 <= y <= 300 - 44 for y in heights)  # inside the axes
    axes = draw_budget(document).axes[0]
    assert axes.get_ylabel() == "mIoU"
    assert axes.get_ylim()[0] < -0.5


def test_figures_are_written_beside_the_report_only_for_what_is_known(tmp_path):
    files = write_adaptation_figures(adaptation(), tmp_path)
    assert [file.name for file in files] == ["candidates.png", "mixtures.png", "label_budget.png"]
    for file in files:
        with Image.open(file) as image:
            assert image.format == "PNG"
    assert write_adaptation_figures(little_known(), tmp_path / "none") == []


def test_figures_show_the_numbers_of_the_file():
    axes = draw_changes([Dot("$a$", -0.02, 0.1, (-0.03, -0.01), None, "refused")], limit=0.01).axes[0]
    assert axes.get_xlim()[0] <= -3
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["limit −1.0 points", "1  \\$a\\$"]
    budget = draw_budget(adaptation()["budget"]).axes[0]
    assert [tick.get_text() for tick in budget.get_xticklabels()] == ["10", "25", "50", "100", "250"]
    mixtures = draw_alphas(alpha_paths(read_candidates(adaptation())), limit=None).axes[0]
    assert mixtures.get_xlabel() == "old camera: change in points, validation"
