"""The reports of several labels per image in real headless Chromium: numbers open images, labels are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.pages import CONTRAST, IN_BROWSER, opened
from tests.report.test_label_sections import HOSTILE, label_set, random_columns
from vision_ft.evaluate.labels.predictions import write_column_predictions, write_label_predictions
from vision_ft.reporting import build_report

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    """Of sets: "cat" is missed twice and wrongly answered once, in five images; of columns: 30 random answers."""
    folder = tmp_path_factory.mktemp("labels")
    sets, columns = folder / "sets", folder / "columns"
    for run in (sets, columns):
        (run / "predictions").mkdir(parents=True)
    made = label_set(
        [[1, 0], [1, 1], [0, 1], [0, 1], [1, 0]], [[0.9, 0.4], [0.2, 0.9], [0.8, 0.1], [0.1, 0.8], [0.3, 0.1]]
    )
    write_label_predictions(sets / "predictions" / "test.parquet", made)
    write_column_predictions(columns / "predictions" / "val.parquet", random_columns())
    return {"sets": build_report(sets), "columns": build_report(columns)}


def test_a_number_of_a_labels_matrix_shows_the_pictures_that_lack_it(browser, reports):
    with opened(browser, reports["sets"]) as page:
        missed = page.locator('.matrix [data-cell="1,0"]:visible')
        assert missed.inner_text() == "2"
        missed.click()
        drawer = page.locator("#drawer")
        assert page.locator("#drawer-title").inner_text() == "cat taken for no cat"
        assert drawer.locator("figure").count() == 2
        assert "1.png" in drawer.inner_text()
        assert "4.png" in drawer.inner_text()
        page.keyboard.press("Escape")
        assert drawer.is_hidden()


def test_a_number_of_a_columns_matrix_shows_its_pictures_by_keyboard(browser, reports):
    with opened(browser, reports["columns"]) as page:
        wrong = page.locator('.matrix [data-cell="3,4"]:visible')  # sex=f answered m
        number = int(wrong.inner_text())
        assert number > 0
        wrong.focus()
        page.keyboard.press("Enter")
        assert page.locator("#drawer-title").inner_text() == "sex=f taken for sex=m"
        assert page.locator("#drawer figure").count() == number


def test_a_hostile_label_is_found_and_stays_text(browser, reports):
    with opened(browser, reports["columns"]) as page:
        page.locator("input[type=search]:visible, input[type=text]:visible").last.fill("script")
        rows = [row for row in page.locator("table:visible tbody tr").all() if HOSTILE in row.inner_text()]
        assert rows


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["sets", "columns"])
def test_pages_of_labels_fit_their_window_and_are_readable(browser, reports, name, scheme, width):
    with opened(browser, reports[name], width=width, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CONTRAST) == []
