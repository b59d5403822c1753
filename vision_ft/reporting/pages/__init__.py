"""The page of each task; everything else in the report asks `PAGES`."""

from __future__ import annotations

from vision_ft.errors import DataError
from vision_ft.reporting.pages import classification, detection, multilabel, multitask, regression, segmentation
from vision_ft.reporting.pages.base import ImageList as ImageList
from vision_ft.reporting.pages.base import Page as Page

PAGES: dict[str, Page] = {
    "classification": classification.PAGE,
    "multilabel": multilabel.PAGE,
    "multitask": multitask.PAGE,
    "segmentation": segmentation.PAGE,
    "detection": detection.PAGE,
    "regression": regression.PAGE,
}


def page_of(task: str, run: str) -> Page:
    """Return the page of a task.

    Args:
        task: what the predictions say.
        run: name of the run, for the error.

    Raises:
        DataError: there is no page for the task.
    """
    if task not in PAGES:
        raise DataError(f"{run}: no report for task {task!r}; there are reports for {sorted(PAGES)}")
    return PAGES[task]
