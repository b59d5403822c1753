"""The report in real headless Chromium: what a person does with it, and what a hostile name must not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.pages import CONTRAST, IN_BROWSER, opened
from tests.report.fake_run import HOSTILE, NAMES, make_run
from vision_ft.reporting import build_report, build_report_from_predictions

MANY = 500
pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    """Pages of a usual run, of two hostile classes, and of 500 classes."""
    folder = tmp_path_factory.mktemp("reports")
    many = [f"class {k:03d}" for k in range(MANY)]
    return {
        "usual": build_report(make_run(folder / "usual", per_class=20)),
        "hostile": build_report(make_run(folder / "hostile", classes=[HOSTILE, "x" * 10_000], per_class=30)),
        "many": build_report(make_run(folder / "many", classes=many, per_class=10, shared_pictures=30, groups=None)),
    }


def visible_cells(page):
    return page.locator("[data-matrix]:visible td.cell")


def cell(page, true: int, predicted: int):
    return page.locator(f'[data-matrix]:visible td.cell[data-pair="{true},{predicted}"]')


def test_a_click_on_a_cell_shows_its_pictures_with_true_predicted_and_confidence(browser, reports):
    with opened(browser, reports["usual"]) as page:
        target = cell(page, 1, 0)
        number = int(target.inner_text())
        assert number > 0
        target.click()
        drawer = page.locator("#drawer")
        assert drawer.is_visible()
        assert page.locator("#drawer-title").inner_text() == f"{NAMES[1]} taken for {NAMES[0]}"
        figures = drawer.locator("figure")
        assert figures.count() == number
        assert f"{number} of 20 images" in page.locator("#drawer-text").inner_text()
        first = figures.first.inner_text()
        assert NAMES[1] in first
        assert f"→\u00a0{NAMES[0]}" in first
        assert "% sure, label" in first
        assert figures.first.locator("img").evaluate("image => image.naturalWidth") > 40
        page.keyboard.press("Escape")
        assert drawer.is_hidden()


def test_the_matrix_and_its_pictures_are_reached_by_keyboard_alone(browser, reports):
    with opened(browser, reports["usual"]) as page:
        cell(page, 0, 0).focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.pair") == "1,0"
        page.keyboard.press("Enter")
        assert page.locator("#drawer-title").inner_text() == f"{NAMES[1]} taken for {NAMES[0]}"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.pair") == "1,0"


def test_counts_switch_to_row_shares(browser, reports):
    with opened(browser, reports["usual"]) as page:
        number = int(cell(page, 0, 0).inner_text())
        page.locator('[data-mode="shares"]:visible').click()
        assert cell(page, 0, 0).inner_text() == f"{100 * number / 20:.0f}"
        page.locator('[data-mode="counts"]:visible').click()
        assert cell(page, 0, 0).inner_text() == str(number)


def test_the_split_switch_changes_numbers_matrix_and_pictures(browser, reports):
    with opened(browser, reports["usual"]) as page:
        before = page.locator(".headline:visible").inner_text()
        assert "test images" in before
        matrix = visible_cells(page).all_inner_texts()
        page.get_by_role("button", name="Validation").click()
        assert "validation images" in page.locator(".headline:visible").inner_text()
        assert visible_cells(page).all_inner_texts() != matrix
        assert page.locator('[data-gallery="mistakes"]:visible figure').count() > 0
        assert "Validation chose the model" in page.locator("#overview").inner_text()
        page.get_by_role("button", name="Test", exact=True).click()
        assert page.locator(".headline:visible").inner_text() == before


def test_a_searched_class_shows_what_it_is_confused_with(browser, reports):
    with opened(browser, reports["many"]) as page:
        assert page.locator("[data-heat]:visible").count() == 1
        page.locator("[data-find]:visible").fill("class 123")
        page.locator("[data-suggestions]:visible button").first.click()
        heads = page.locator("[data-matrix]:visible tbody th").all_inner_texts()
        assert "class 123" in heads
        assert 2 <= len(heads) <= 12
        assert "“class 123”" in page.locator("[data-focus-text]:visible").inner_text()
        page.locator("[data-show-all]:visible").click()
        assert "most confused pairs" in page.locator("[data-focus-text]:visible").inner_text()
        page.locator("[data-find]:visible").fill("no such bird")
        assert "No class has this" in page.locator("[data-suggestions]:visible").inner_text()


def test_the_map_of_500_classes_answers_to_clicks_and_arrow_keys(browser, reports):
    with opened(browser, reports["many"]) as page:
        canvas = page.locator("[data-heat]:visible canvas")
        t, p, at = page.evaluate(
            """() => { const c = DATA.splits.test.confusion, place = new Map(c.order.map((k, i) => [k, i]));
            const far = c.cells.filter(([t, p]) => Math.abs(place.get(t) - place.get(p)) > 40)[0];
            return [far[0], far[1], [place.get(far[1]), place.get(far[0])]]; }"""
        )
        box = canvas.bounding_box()
        step = box["width"] / MANY
        canvas.click(position={"x": (at[0] + 0.5) * step, "y": (at[1] + 0.5) * step})
        assert page.locator("#drawer-title").inner_text() == f"class {t:03d} taken for class {p:03d}"
        assert page.locator("#drawer figure").count() >= 1
        assert cell(page, t, p).count() == 1
        page.keyboard.press("Escape")
        canvas.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert "taken for" in page.locator("#drawer-title").inner_text()


def test_the_table_of_classes_sorts_and_filters(browser, reports):
    with opened(browser, reports["many"]) as page:
        table = page.locator("#per-class [data-split=test] table")
        assert page.locator("#per-class [data-split=test] tbody tr").count() == MANY
        table.get_by_role("button", name="Class", exact=True).click()
        assert table.locator("tbody th").first.inner_text() == "class 000"
        table.get_by_role("button", name="Recall").click()
        recall = [
            float(v) for v in table.locator("tbody tr td:nth-child(4)").evaluate_all("n => n.map(c => c.dataset.value)")
        ]
        assert recall == sorted(recall)
        table.get_by_role("button", name="Recall").click()
        assert table.locator("th[aria-sort=descending]").inner_text().startswith("Recall")
        page.locator("#per-class [data-split=test] [data-filter]").fill("class 04")
        assert table.locator("tbody tr:visible").count() == 10
        table.locator("tbody tr:visible [data-class]").first.click()
        assert page.locator("#drawer-title").inner_text().startswith("class 04")


def test_a_hostile_class_name_shows_as_text(browser, reports):
    with opened(browser, reports["hostile"]) as page:
        assert HOSTILE in page.locator(".headline:visible").inner_text()
        cell(page, 0, 1).click()
        assert page.locator("#drawer-title").inner_text().startswith(f"{HOSTILE} taken for xxx")
        assert page.locator("#drawer-title bdi").nth(1).get_attribute("title").startswith("x" * 300)
        assert page.evaluate("document.querySelectorAll('script').length") == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_script_put_into_the_page_is_not_run(browser, reports, tmp_path):
    text = reports["usual"].read_text(encoding="utf-8").replace("</main>", "<script>window.broken = 1</script></main>")
    page_file = tmp_path / "attacked.html"
    page_file.write_text(text, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.evaluate("window.broken") is None
    assert visible_cells(page).count() == 36  # our own script still runs
    context.close()


@pytest.mark.parametrize("name", ["usual", "hostile", "many"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_page_fits_its_window_and_is_readable(browser, reports, name, scheme, width, tmp_path):
    with opened(browser, reports[name], width=width, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        assert page.evaluate(CONTRAST) == []
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert (tmp_path / f"{name}.png").stat().st_size > 20_000


def test_the_theme_switch_is_remembered(browser, reports):
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(reports["usual"].as_uri())
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    context.close()


def test_a_page_made_from_another_tools_csv_works_without_pictures_and_scores(browser, tmp_path):
    file = tmp_path / "p.csv"
    file.write_text(
        "path,target,predicted\n" + "\n".join(f"gone/{k}.jpg,{'ab'[k % 2]},{'ab'[k % 3 % 2]}" for k in range(60))
    )
    with opened(browser, build_report_from_predictions(file, tmp_path / "page.html")) as page:
        cell(page, 0, 1).click()
        assert "gone/" in page.locator("#drawer .frame").first.inner_text()
