"""The reports of masks and boxes in real headless Chromium: filters, painted pixels, keyboard, both themes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.pages import CONTRAST, IN_BROWSER, opened
from tests.report.fake_dense import make_box_run, make_mask_run
from vision_ft.reporting import build_report

pytestmark = IN_BROWSER
PIXEL = """([canvas, x, y]) => {
  const copy = document.createElement("canvas");  // reading the page's own canvas twice makes Chromium warn
  copy.width = copy.height = 1;
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, -x, -y);
  return Array.from(context.getImageData(0, 0, 1, 1).data);
}"""
TOP = """node => node.getBoundingClientRect().top + scrollY"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dense")
    return {
        "masks": build_report(make_mask_run(folder / "masks")),
        "boxes": build_report(make_box_run(folder / "boxes")),
    }


def pixel(page, picture: str, tile: int, x: int, y: int) -> list[int]:
    """RGBA of a painted layer of an image's three tiles."""
    article = page.locator(f'article[aria-label="{picture}"]:visible')
    article.locator("[data-painted]").wait_for()
    return page.evaluate(PIXEL, [article.locator("canvas").nth(tile).element_handle(), x, y])


def shown(page) -> list[str]:
    return [node.get_attribute("aria-label") for node in page.locator("[data-dense]:visible article").all()]


def test_truth_prediction_and_errors_are_painted_where_they_are(browser, reports):
    with opened(browser, reports["masks"]) as page:
        assert shown(page)[0] == "images/test5.png"
        assert pixel(page, "images/test5.png", 0, 12, 12)[3] > 100  # a tree, in truth only
        assert pixel(page, "images/test5.png", 1, 12, 12)[3] == 0
        missed, ghost = pixel(page, "images/test5.png", 2, 12, 12), pixel(page, "images/test5.png", 2, 36, 12)
        assert missed[0] > 180 > 60 > missed[1]
        assert ghost[0] > 220
        assert ghost[1] > 120 > 60 > ghost[2]
        assert pixel(page, "images/test5.png", 2, 20, 12)[3] == 0  # right
        assert pixel(page, "images/test5.png", 2, 20, 46)[3] > 100  # does not count: hatched


def test_a_class_and_a_kind_filter_the_masks(browser, reports):
    with opened(browser, reports["masks"]) as page:
        page.locator("[data-pick-class]:visible").select_option(label="kerb")
        assert "images/test0.png" not in shown(page)
        assert "5 of the 6 images here with errors: “kerb”" in page.locator("[data-picked]:visible").inner_text()
        assert pixel(page, "images/test5.png", 0, 12, 12)[3] == 0  # other classes step back
        page.locator("[data-pick-kind=ghost]:visible").focus()
        page.keyboard.press("Enter")
        assert page.locator("[data-pick-kind=ghost]:visible").get_attribute("aria-pressed") == "true"
        assert pixel(page, "images/test5.png", 2, 8, 36)[3] == 0  # a missed kerb
        assert pixel(page, "images/test5.png", 2, 18, 36)[3] > 100  # a claimed one
        page.locator("[data-pick-none]:visible").click()
        assert len(shown(page)) == 6


def test_a_cell_of_the_pixel_matrix_shows_its_pixels_in_the_pictures(browser, reports):
    with opened(browser, reports["masks"]) as page:
        cell = page.locator('[data-matrix]:visible td.cell[data-pair="1,0"]')
        assert 0 < int(cell.inner_text()) < 100  # shares, since counts of pixels say little
        cell.click()
        assert "“tree” taken for “background”" in page.locator("[data-picked]:visible").inner_text()
        assert pixel(page, "images/test5.png", 2, 12, 12)[3] > 100
        assert pixel(page, "images/test5.png", 2, 36, 12)[3] == 0


def test_kinds_of_error_filter_the_boxes_and_nothing_jumps(browser, reports):
    with opened(browser, reports["boxes"]) as page:
        top = page.locator("[data-dense]:visible").evaluate(TOP)
        for kind, picture in (("missed", "test1"), ("class", "test2"), ("duplicate", "test4"), ("background", "test5")):
            page.locator(f"[data-pick-kind={kind}]:visible").click()
            assert shown(page) == [f"{picture}.png"]
        assert page.locator("[data-dense]:visible").evaluate(TOP) == top
        ghost = page.locator("[data-dense]:visible figure").nth(2).locator("title").all_text_contents()
        assert "Ghost: blue 0.80" in ghost
        page.locator("[data-pick-class]:visible").select_option(label="red")
        assert shown(page) == []
        assert "0 of the 6 images" in page.locator("[data-picked]:visible").inner_text()


def test_missed_and_ghost_cells_of_the_box_matrix_lead_to_their_boxes(browser, reports):
    with opened(browser, reports["boxes"]) as page:
        page.locator('[data-matrix]:visible td.cell[data-pair="1,3"]').click()
        assert "“blue” missed" in page.locator("[data-picked]:visible").inner_text()
        assert sorted(shown(page)) == ["test1.png", "test3.png"]  # one loose box, one missing
        page.locator('[data-matrix]:visible td.cell[data-pair="3,1"]').click()
        assert "“blue” seen where none is" in page.locator("[data-picked]:visible").inner_text()
        assert sorted(shown(page)) == ["test3.png", "test5.png"]
        page.locator("[data-show-kind=localisation]:visible").click()
        assert shown(page) == ["test3.png"]


def test_crowds_and_difficult_objects_are_dashed_grey(browser, reports):
    with opened(browser, reports["boxes"]) as page:
        box = page.locator("[data-dense]:visible article").first.locator("figure").first.locator("g.box").nth(2)
        assert box.locator("rect").nth(1).get_attribute("stroke") == "#9a9a9a"
        assert box.locator("rect").nth(1).get_attribute("stroke-dasharray") == "6 4"
        assert "does not count" in box.locator("title").text_content()


def test_the_split_switch_keeps_the_filter(browser, reports):
    with opened(browser, reports["boxes"]) as page:
        page.locator("[data-pick-kind=missed]:visible").click()
        page.get_by_role("button", name="Validation").click()
        assert shown(page) == ["val1.png"]
        assert page.locator("[data-pick-kind=missed]:visible").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("name", ["masks", "boxes"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_page_reads_well_in_both_themes_and_on_a_phone(browser, reports, name, scheme, width):
    with opened(browser, reports[name], width=width, scheme=scheme) as page:
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("[data-bare]:visible").click()
        assert page.locator(".bare .tile canvas:visible, .bare .tile svg:visible").count() == 0
