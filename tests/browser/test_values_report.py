"""The report of predicted values in real headless Chromium: both themes, small screens, the split switch, sorting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.pages import CONTRAST, IN_BROWSER, opened
from tests.report.fake_values import make_value_run, registered
from vision_ft.reporting import build_report

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    with registered():
        return build_report(make_value_run(tmp_path_factory.mktemp("values"), targets=("cells", "age")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_text_can_be_read_and_nothing_is_wider_than_the_screen(browser, report, width, scheme):
    with opened(browser, report, width=width, scheme=scheme) as page:
        for summary in page.locator("summary:visible").all():
            summary.click()
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_split_switch_shows_the_other_split_and_its_images(browser, report):
    with opened(browser, report) as page:
        assert page.locator(".headline:visible").inner_text().startswith("On 51 test images")
        page.locator("[data-split-button=val]").click()
        assert page.locator(".headline:visible").inner_text().startswith("On 51 validation images")
        assert page.locator("#worst .gallery:visible img").first.evaluate("image => image.naturalWidth") > 50
        page.keyboard.press("Escape")


def test_what_goes_wrong_leads_to_its_section_and_groups_sort_by_number(browser, report):
    with opened(browser, report) as page:
        page.locator('.pairs:visible a[href="#groups"]').first.click()
        assert page.url.endswith("#groups")
        page.locator("#groups button:visible", has_text="MAE").click()
        cells = page.locator("#groups tbody:visible tr td:nth-child(4)").all()
        values = [float(cell.get_attribute("data-value")) for cell in cells]
        assert values == sorted(values)
        assert len(values) == 4
