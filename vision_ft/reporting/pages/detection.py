"""The page of a detection run."""

from __future__ import annotations

from vision_ft.reporting.collect.boxes import NO_OBJECT, read_box_split
from vision_ft.reporting.pages.base import Page
from vision_ft.reporting.pages.classification import count_classes
from vision_ft.reporting.plots.dense import box_figures
from vision_ft.reporting.sections import dense_groups
from vision_ft.reporting.sections.boxes import classes, confusion, curves, errors, gallery, overview
from vision_ft.reporting.tables.dense import box_tables

PAGE = Page(
    read_split=read_box_split,
    describe_outputs=count_classes,
    page_one=overview.PAGE_ONE,
    own_sections=(
        gallery.SECTION,
        errors.SECTION,
        confusion.SECTION,
        classes.SECTION,
        curves.SECTION,
        dense_groups.SECTION,
    ),
    tables=box_tables,
    figures=box_figures,
    footnote="every wrong box is in errors.csv",
    scripts=("box_tiles.js", "dense.js"),
    extra_classes=(NO_OBJECT,),
)
