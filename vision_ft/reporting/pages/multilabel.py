"""The page of a multi-label run."""

from __future__ import annotations

from vision_ft.reporting.collect.label_sets import LabelSetSplit, read_label_set_split
from vision_ft.reporting.pages.base import Page
from vision_ft.reporting.pages.classification import EVERY_MISTAKE, LISTED
from vision_ft.reporting.plots.classification import label_figures
from vision_ft.reporting.section import count
from vision_ft.reporting.sections.classification import mistakes
from vision_ft.reporting.sections.labels import label_confusion, overview, table, taken_for
from vision_ft.reporting.tables.labels import label_set_tables


def count_labels(split: LabelSetSplit) -> str:
    """Return "2 labels"."""
    return count(len(split.label_sets.classes), "label")


PAGE = Page(
    read_split=read_label_set_split,
    describe_outputs=count_labels,
    page_one=overview.LABEL_SETS,
    own_sections=(table.SECTION, label_confusion.SECTION, taken_for.SECTION, mistakes.SECTION),
    tables=label_set_tables,
    figures=label_figures,
    footnote=EVERY_MISTAKE,
    scripts=("gallery.js",),
    picture_list=LISTED,
)
