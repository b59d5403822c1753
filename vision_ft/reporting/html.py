"""Join the sections into one self-contained report.html, and write the same figures and tables beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.files import write_atomic
from vision_ft.reporting.collect.run import collect_predictions, collect_run
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.own_sections import OWN_SECTIONS, missing_parts, with_own
from vision_ft.reporting.page import hash_script, make_environment, read_assets
from vision_ft.reporting.pages import Page, page_of
from vision_ft.reporting.plots.adaptation import write_adaptation_figures
from vision_ft.reporting.plots.base import draw_curves, save_figure
from vision_ft.reporting.section import MAX_TITLE, ImageIndex, Section, View, cut
from vision_ft.reporting.tables.base import write_candidates, write_tables
from vision_ft.reporting.thumbnails import Thumbnails, build_thumbnails, load_picture

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

STYLES = ("report.css", "adaptation.css", "dense.css", "labels.css")
SCRIPTS = ("matrix.js", "heatmap.js", "tables.js", "theme.js", "start.js")
Loader = Callable[[Path], "Image.Image"]


def build_report(run_dir: Path, *, data_root: Path | None = None, load_thumbnail: Loader = load_picture) -> Path:
    """Make report.html, and report/*.png and *.csv, from the files of a run; returns the page.

    Args:
        run_dir: the run folder.
        data_root: where the images lie now, when they were moved since training.
        load_thumbnail: opens an image; may raise DataError or OSError, then its path is shown instead.

    Raises:
        DataError: the folder is no finished run, or one of its files is damaged.
    """
    run = collect_run(Path(run_dir), data_root=data_root)
    missing = missing_parts(run.environment, (METRICS, OWN_SECTIONS))
    for sentence in missing:
        log.warning("report: %s.", sentence)
    run = replace(run, problems=(*run.problems, *missing))
    return write_report(run, Path(run_dir) / "report.html", load_thumbnail=load_thumbnail)


def build_report_from_predictions(
    file: Path, out: Path, *, image_root: Path | None = None, load_thumbnail: Loader = load_picture
) -> Path:
    """Make a report from predictions that another tool made; returns the page.

    Args:
        file: CSV or parquet, see `evaluate.foreign.read_foreign` for its columns.
        out: the page to write, ending in .html, or a folder that gets a report.html.
        image_root: folder that the paths start from; default: the folder of `file`.
        load_thumbnail: opens an image; may raise DataError or OSError, then its path is shown instead.

    Raises:
        DataError: a column is missing or holds what it cannot.
    """
    page = Path(out) if Path(out).suffix.lower() in {".html", ".htm"} else Path(out) / "report.html"
    run = collect_predictions(Path(file), image_root=image_root)
    return write_report(run, page, load_thumbnail=load_thumbnail)


def write_report(run: RunView, page: Path, *, load_thumbnail: Loader = load_picture) -> Path:
    """Write the page, and figures and tables into the folder of the same name beside it."""
    shown = page_of(run.task, run.name)
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for split in run.splits.values():
        write_split(shown, split, folder, suffix="" if split is run.main else f"_{split.name}")
    if run.adaptation:
        write_adaptation_figures(run.adaptation, folder)
        write_candidates(run.adaptation, folder)
    if run.epochs:
        save_figure(draw_curves(run.epochs, run.task), folder / "learning_curves.png")
    text = render(run, load_thumbnail=load_thumbnail, folder_name=folder.name)
    write_atomic(page, text.encode("utf-8", "replace"))
    log.info("report: %s, %.1f MB", page, len(text) / 1e6)
    return page


def write_split(page: Page, split: Split, folder: Path, *, suffix: str = "") -> None:
    """Write the tables and figures of one split as CSV and PNG."""
    write_tables(page.tables(split), folder, suffix=suffix)
    for name, figure in page.figures(split):
        save_figure(figure, folder / f"{name}{suffix}.png")


def render(run: RunView, *, load_thumbnail: Loader = load_picture, folder_name: str = "report") -> str:
    """Return the page as text."""
    page = page_of(run.task, run.name)
    rows = {name: page.picture_list.choose(split) if page.picture_list else [] for name, split in run.splits.items()}
    wanted = [split.predictions.paths[row] for name, split in run.splits.items() for row in rows[name]]
    shown = with_own(run.task, page.sections)
    own = [path for section in shown if section.pictures for path in section.pictures(run)]
    thumbnails = build_thumbnails([*own, *wanted], run.picture, load=load_thumbnail)
    if thumbnails.missing:
        log.warning("report: %d images cannot be read, their paths are shown", len(thumbnails.missing))
    uris, position_by_path = _number(thumbnails, set(wanted))
    data = _page_data(page, run)
    data["thumbnails"] = uris
    if page.picture_list:
        for name, split in run.splits.items():
            data["splits"][name]["pictures"] = page.picture_list.items(split, rows[name], position_by_path)
    indices = {name: ImageIndex({row: place for place, row in enumerate(rows[name])}) for name in run.splits}
    sections = []
    for section in shown:
        views = _views(section, run, indices)
        for name, view in views.items():
            if view is not None and "data" in view:
                data["splits"][name][section.id] = view["data"]
        if any(view is not None for view in views.values()):
            sections.append({"section": section, "views": views, "view": next(iter(views.values()))})
    return _render(page, run, sections, data, thumbnails=thumbnails, folder_name=folder_name)


def _page_data(page: Page, run: RunView) -> dict[str, Any]:
    """What the page's script reads, before the sections add theirs."""
    names = [*(cut(name, MAX_TITLE) for name in run.classes), *page.extra_classes]
    return {"classes": names, "mode": page.cells, "splits": {name: {} for name in run.splits}}


def _views(section: Section, run: RunView, indices: Mapping[str, ImageIndex]) -> dict[str, View | None]:
    if section.build_split is not None:
        return {name: section.build_split(run, split, indices[name]) for name, split in run.splits.items()}
    assert section.build is not None, f"section {section.id} builds nothing"
    return {run.main.name: section.build(run)}


def _number(thumbnails: Thumbnails, wanted: Collection[str]) -> tuple[list[str], dict[str, int]]:
    """Number the thumbnails that the page's script shows."""
    paths = [path for path in thumbnails.uri_by_path if path in wanted]
    return [thumbnails.uri_by_path[path] for path in paths], {path: place for place, path in enumerate(paths)}


def embed_json(value: Any) -> Markup:
    """JSON that no content can break out of: <, > and & are escaped, as are the line ends that old scripts trip on."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character that HTML reads is left


def _render(
    page: Page,
    run: RunView,
    sections: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    *,
    thumbnails: Thumbnails,
    folder_name: str,
) -> str:
    script = read_assets(("core.js", *page.scripts, *SCRIPTS))
    return (
        make_environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            sections=sections,
            data=embed_json(data),
            style=Markup(read_assets(STYLES)),  # noqa: S704 - our own files
            script=Markup(script),  # noqa: S704 - our own files
            script_hash=hash_script(script),
            thumbnails=thumbnails,
            folder_name=folder_name,
            footnote=page.footnote,
            title_length=MAX_TITLE,
        )
    )
