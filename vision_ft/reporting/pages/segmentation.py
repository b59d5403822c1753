"""The page of a segmentation run."""

from __future__ import annotations

from vision_ft.reporting.collect.masks import read_mask_split
from vision_ft.reporting.pages.base import Page
from vision_ft.reporting.pages.classification import count_classes
from vision_ft.reporting.plots.dense import mask_figures
from vision_ft.reporting.sections import dense_groups
from vision_ft.reporting.sections.masks import classes, confusion, gallery, overview
from vision_ft.reporting.tables.dense import mask_tables

PAGE = Page(
    read_split=read_mask_split,
    describe_outputs=count_classes,
    page_one=overview.PAGE_ONE,
    own_sections=(gallery.SECTION, confusion.SECTION, classes.SECTION, dense_groups.SECTION),
    tables=mask_tables,
    figures=mask_figures,
    footnote="every image's numbers are in images.csv",
    scripts=("mask_tiles.js", "dense.js"),
    cells="shares",  # counts of pixels cannot be read
)
