"""Join the sections into one self-contained report.html, and write the same figures and tables beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from vision_ft.errors import DataError
from vision_ft.evaluate.calibration import reliability, score_of
from vision_ft.evaluate.classification.confusion import class_order, dense
from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.files import write_atomic
from vision_ft.reporting.collect.boxes import NO_OBJECT, BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.run import AnySplit, RunView, SplitView, collect_predictions, collect_run
from vision_ft.reporting.own_sections import OWN_SECTIONS, missing_parts, with_own
from vision_ft.reporting.page import hash_script, make_environment, read_assets
from vision_ft.reporting.plots import base as plots
from vision_ft.reporting.plots.adaptation import write_adaptation_figures
from vision_ft.reporting.plots.dense import write_box_figures, write_mask_figures
from vision_ft.reporting.section import MAX_TITLE, PictureIndex, Section, cut
from vision_ft.reporting.sections import SECTIONS
from vision_ft.reporting.tables.base import write_candidates, write_tables
from vision_ft.reporting.tables.dense import write_box_tables, write_mask_tables
from vision_ft.reporting.tables.labels import write_label_outputs
from vision_ft.reporting.thumbnails import Thumbnails, build_thumbnails, choose_rows, load_picture

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

STYLES = ("report.css", "adaptation.css", "dense.css", "labels.css")
GALLERIES = {  # the scripts that show pictures, by task
    "classification": ("gallery.js",),
    "multilabel": ("gallery.js",),
    "multitask": ("gallery.js",),
    "segmentation": ("mask_tiles.js", "dense.js"),
    "detection": ("box_tiles.js", "dense.js"),
}
SCRIPTS = ("matrix.js", "heatmap.js", "tables.js", "theme.js", "start.js")
EVERY_MISTAKE = {
    "classification": "every mistake is in mistakes.csv",
    "multilabel": "every mistake is in mistakes.csv",
    "multitask": "every mistake is in mistakes.csv",
    "segmentation": "every picture's numbers are in pictures.csv",
    "detection": "every wrong box is in errors.csv",
}
MAX_PLOTTED_CLASSES = 1000
Loader = Callable[[Path], "Image.Image"]


def build_report(run_dir: Path, *, data_root: Path | None = None, load_thumbnail: Loader = load_picture) -> Path:
    """Make report.html, and report/*.png and *.csv, from the files of a run; returns the page.

    Args:
        run_dir: the run folder.
        data_root: where the pictures lie now, when they were moved since training.
        load_thumbnail: opens a picture; may raise DataError or OSError, then its path is shown instead.

    Raises:
        DataError: the folder is no finished run, or one of its files is damaged.
    """
    run = collect_run(Path(run_dir), data_root=data_root)
    run = replace(run, problems=(*run.problems, *missing_parts(run.environment, (METRICS, OWN_SECTIONS))))
    return write_report(run, Path(run_dir) / "report.html", load_thumbnail=load_thumbnail)


def build_report_from_predictions(
    file: Path, out: Path, *, image_root: Path | None = None, load_thumbnail: Loader = load_picture
) -> Path:
    """Make a report from predictions that another tool made; returns the page.

    Args:
        file: CSV or parquet, see `evaluate.foreign.read_foreign` for its columns.
        out: the page to write, ending in .html, or a folder that gets a report.html.
        image_root: folder that the paths start from; default: the folder of `file`.
        load_thumbnail: opens a picture; may raise DataError or OSError, then its path is shown instead.

    Raises:
        DataError: a column is missing or holds what it cannot.
    """
    page = Path(out) if Path(out).suffix.lower() in {".html", ".htm"} else Path(out) / "report.html"
    run = collect_predictions(Path(file), image_root=image_root)
    return write_report(run, page, load_thumbnail=load_thumbnail)


def write_report(run: RunView, page: Path, *, load_thumbnail: Loader = load_picture) -> Path:
    """Write the page, and figures and tables into the folder of the same name beside it."""
    if run.task not in SECTIONS:
        raise DataError(f"{run.name}: no report for task {run.task!r}; there are reports for {sorted(SECTIONS)}")
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for split in run.splits.values():
        suffix = "" if split is run.main else f"_{split.name}"
        write_split(split, folder, suffix=suffix)
    epochs = [record for record in run.log if isinstance(record.get("epoch"), int)]
    if run.adaptation:
        write_adaptation_figures(run.adaptation, folder)
        write_candidates(run.adaptation, folder)
    if epochs:
        plots.save_figure(plots.draw_curves(epochs), folder / "learning_curves.png")
    text = render(run, load_thumbnail=load_thumbnail, folder_name=folder.name)
    write_atomic(page, text.encode("utf-8", "replace"))
    log.info("report: %s, %.1f MB", page, len(text) / 1e6)
    return page


def write_split(split: AnySplit, folder: Path, *, suffix: str = "") -> None:
    """Write the tables and figures of one split, whatever its task."""
    if isinstance(split, MaskSplit):
        write_mask_tables(split, folder, suffix=suffix)
        write_mask_figures(split, folder, suffix=suffix)
    elif isinstance(split, BoxSplit):
        write_box_tables(split, folder, suffix=suffix)
        write_box_figures(split, folder, suffix=suffix)
    elif split.several is not None:
        write_label_outputs(split, folder, suffix=suffix)
    else:
        write_tables(split, folder, suffix=suffix)
        write_figures(split, folder, suffix=suffix)


def write_figures(split: SplitView, folder: Path, *, suffix: str = "") -> None:
    """Write the figures of one split as PNG."""
    numbers, classes = split.summary, split.predictions.classes
    if len(classes) <= MAX_PLOTTED_CLASSES:
        matrix = dense(numbers["confusion"], len(classes))
        order = class_order(numbers["confusion"], len(classes))
        plots.save_figure(plots.draw_confusion(matrix, classes, order=order), folder / f"confusion{suffix}.png")
    plots.save_figure(plots.draw_per_class(numbers["per_class"]), folder / f"per_class{suffix}.png")
    labelled = split.predictions.targets >= 0
    if split.confidence is not None and labelled.any():
        correct = (split.predictions.targets == split.predictions.predicted)[labelled]
        points = reliability(split.confidence[labelled], correct)
        plots.save_figure(plots.draw_reliability(points), folder / f"reliability{suffix}.png")


def render(run: RunView, *, load_thumbnail: Loader = load_picture, folder_name: str = "report") -> str:
    """Return the page as text."""
    labelled = {name: split for name, split in run.splits.items() if isinstance(split, SplitView)}
    rows = {name: choose_rows(split) for name, split in labelled.items()}  # masks and boxes bring their own pictures
    own = [
        path for section in with_own(run.task, SECTIONS[run.task]) if section.pictures for path in section.pictures(run)
    ]
    wanted = [labelled[name].predictions.paths[row] for name, chosen in rows.items() for row in chosen]
    thumbnails = build_thumbnails([*own, *wanted], run.picture, load=load_thumbnail)
    if thumbnails.missing:
        log.warning("report: %d pictures cannot be read, their paths are shown", len(thumbnails.missing))
    sections = []
    data = _page_data(run)
    uris, position_by_path = _number(thumbnails, set(wanted))
    data["thumbnails"] = uris
    for name, split in labelled.items():
        data["splits"][name]["pictures"] = picture_items(split, rows[name], position_by_path)
    indices = {name: PictureIndex({row: place for place, row in enumerate(rows.get(name, ()))}) for name in run.splits}
    for section in with_own(run.task, SECTIONS[run.task]):
        views = _views(section, run, indices)
        for name, view in views.items():
            if view is not None and "data" in view:
                data["splits"][name][section.id] = view["data"]
        if any(view is not None for view in views.values()):
            sections.append({"section": section, "views": views, "view": next(iter(views.values()))})
    return _page(run, sections, data, thumbnails=thumbnails, folder_name=folder_name)


def _page_data(run: RunView) -> dict[str, Any]:
    """What the page's script reads, before the sections add theirs."""
    names = [cut(name, MAX_TITLE) for name in run.classes]
    if run.task == "detection":
        names.append(NO_OBJECT)
    mode = "shares" if run.task == "segmentation" else "counts"  # of pixels only shares can be read
    return {"classes": names, "mode": mode, "splits": {name: {} for name in run.splits}}


def _views(section: Section, run: RunView, indices: Mapping[str, PictureIndex]) -> dict[str, dict[str, Any] | None]:
    if section.build_split is not None:
        return {name: section.build_split(run, split, indices[name]) for name, split in run.splits.items()}
    assert section.build is not None, f"section {section.id} builds nothing"
    return {run.main.name: section.build(run)}


def _number(thumbnails: Thumbnails, wanted: Collection[str]) -> tuple[list[str], dict[str, int]]:
    """Number the thumbnails that the page's script shows."""
    paths = [path for path in thumbnails.uri_by_path if path in wanted]
    return [thumbnails.uri_by_path[path] for path in paths], {path: place for place, path in enumerate(paths)}


def picture_items(split: SplitView, rows: Sequence[int], position_by_path: Mapping[str, int]) -> list[list[Any]]:
    """[path, true, predicted, confidence, score of the true class, thumbnail or -1, group] of each picture."""
    predictions = split.predictions
    true_scores = None
    if predictions.scores is not None and len(rows):
        true_scores = score_of(predictions.scores[rows], predictions.targets[rows], temperature=predictions.temperature)
    return [
        [
            cut(predictions.paths[row], MAX_TITLE),
            int(predictions.targets[row]),
            int(predictions.predicted[row]),
            None if split.confidence is None else round(float(split.confidence[row]), 4),
            None if true_scores is None else round(float(true_scores[place]), 4),
            position_by_path.get(predictions.paths[row], -1),
            None if predictions.groups is None else predictions.groups[row],
        ]
        for place, row in enumerate(rows)
    ]


def embed_json(value: Any) -> Markup:
    """JSON that no content can break out of: <, > and & are escaped, as are the line ends that old scripts trip on."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character that HTML reads is left


def _page(
    run: RunView,
    sections: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    *,
    thumbnails: Thumbnails,
    folder_name: str,
) -> str:
    script = read_assets(("core.js", *GALLERIES[run.task], *SCRIPTS))
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
            every_mistake=EVERY_MISTAKE[run.task],
            title_length=MAX_TITLE,
        )
    )
