"""Report on a run or on predictions, and compare runs."""

from __future__ import annotations

from pathlib import Path

from vision_ft.errors import DataError
from vision_ft.reporting import build_report, build_report_from_predictions
from vision_ft.reporting.compare_page import compare as compare
from vision_ft.run_folder import RunFolder


def report(source: str | Path, *, out: str | Path | None = None, data_root: str | Path | None = None) -> Path:
    """Make the report of a run folder, or of a predictions file that any tool wrote.

    Args:
        source: a run folder, or a .csv / .parquet of `path,target,predicted` or scores.
        out: folder of a report made from a predictions file; by default beside it.
        data_root: where the images are, if they moved.

    Raises:
        DataError: the source is neither, or its columns cannot be understood.
    """
    source = Path(source)
    root = None if data_root is None else Path(data_root)
    if source.is_dir():
        if not RunFolder(source).is_finished:
            raise DataError(f"{source}: not a finished run (metrics.json is missing). Give a run folder or a CSV.")
        return build_report(source, data_root=root)
    target = Path(out) if out is not None else source.parent / f"{source.stem}-report"
    return build_report_from_predictions(source, target, image_root=root)
