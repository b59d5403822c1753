"""The page of a multi-task run."""

from __future__ import annotations

from vision_ft.reporting.collect.columns import ColumnSplit, read_column_split
from vision_ft.reporting.pages.base import Page
from vision_ft.reporting.pages.classification import EVERY_MISTAKE, LISTED
from vision_ft.reporting.plots.classification import label_figures
from vision_ft.reporting.section import count
from vision_ft.reporting.sections.classification import groups, mistakes, pairs, per_class, slices, suspicious_labels
from vision_ft.reporting.sections.labels import column_confusion, overview
from vision_ft.reporting.tables.labels import column_tables


def count_columns(split: ColumnSplit) -> str:
    """Return "3 label columns of 9 classes"."""
    columns = count(len(split.columns.columns), "label column")
    return f"{columns} of {count(len(split.columns.classes), 'class', 'classes')}"


PAGE = Page(
    read_split=read_column_split,
    describe_outputs=count_columns,
    page_one=overview.COLUMNS,
    own_sections=(
        column_confusion.SECTION,
        pairs.SECTION,
        mistakes.SECTION,
        suspicious_labels.SECTION,
        per_class.SECTION,
        groups.SECTION,
        slices.SECTION,
    ),
    tables=column_tables,
    figures=label_figures,
    footnote=EVERY_MISTAKE,
    scripts=("gallery.js",),
    picture_list=LISTED,
)
