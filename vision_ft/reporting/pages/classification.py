"""The page of a classification run."""

from __future__ import annotations

from vision_ft.reporting.collect.classified import read_class_split
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.pages.base import ImageList, Page
from vision_ft.reporting.picture_list import choose_rows, picture_items
from vision_ft.reporting.plots.classification import class_figures
from vision_ft.reporting.section import count
from vision_ft.reporting.sections.classification import (
    calibration,
    confusion,
    groups,
    mistakes,
    overview,
    pairs,
    per_class,
    slices,
    suspicious_labels,
)
from vision_ft.reporting.tables.classification import class_tables

EVERY_MISTAKE = "every mistake is in mistakes.csv"
LISTED = ImageList(choose=choose_rows, items=picture_items)


def count_classes(split: Split) -> str:
    """Return "4 classes"."""
    return count(len(split.predictions.classes), "class", "classes")


PAGE = Page(
    read_split=read_class_split,
    describe_outputs=count_classes,
    page_one=overview.PAGE_ONE,
    own_sections=(
        confusion.SECTION,
        pairs.SECTION,
        mistakes.SECTION,
        suspicious_labels.SECTION,
        per_class.SECTION,
        groups.SECTION,
        slices.SECTION,
        calibration.SECTION,
    ),
    tables=class_tables,
    figures=class_figures,
    footnote=EVERY_MISTAKE,
    scripts=("gallery.js",),
    picture_list=LISTED,
)
