"""The report: one self-contained HTML file that shows why the model errs, from the run folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vision_ft.reporting.html import Loader

# Both import the page inside: training would otherwise load matplotlib and the templates before its first step.


def build_report(run_dir: Path, *, data_root: Path | None = None, load_thumbnail: Loader | None = None) -> Path:
    """Make report.html of a run folder; see `vision_ft.reporting.html.build_report`."""
    from vision_ft.reporting import html
    from vision_ft.reporting.thumbnails import load_picture

    load = load_thumbnail or load_picture
    return html.build_report(run_dir, data_root=data_root, load_thumbnail=load)


def build_report_from_predictions(
    file: Path, out: Path, *, image_root: Path | None = None, load_thumbnail: Loader | None = None
) -> Path:
    """Make the report of a predictions file; see `vision_ft.reporting.html.build_report_from_predictions`."""
    from vision_ft.reporting import html
    from vision_ft.reporting.thumbnails import load_picture

    load = load_thumbnail or load_picture
    return html.build_report_from_predictions(file, out, image_root=image_root, load_thumbnail=load)
