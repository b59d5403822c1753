"""The page of a regression run."""

from __future__ import annotations

from vision_ft.reporting.collect.values import ValueSplit, read_value_split
from vision_ft.reporting.pages.base import Page
from vision_ft.reporting.plots.values import value_figures
from vision_ft.reporting.section import cut
from vision_ft.reporting.sections.values import gallery, groups, overview, residuals, scatter, slices, targets
from vision_ft.reporting.tables.values import value_tables


def name_targets(split: ValueSplit) -> str:
    """Return "target cells", "3 targets"."""
    names = split.targets
    return f"target {cut(names[0])}" if len(names) == 1 else f"{len(names)} targets"


PAGE = Page(
    read_split=read_value_split,
    describe_outputs=name_targets,
    page_one=overview.PAGE_ONE,
    own_sections=(
        scatter.SECTION,
        residuals.SECTION,
        gallery.SECTION,
        targets.SECTION,
        groups.SECTION,
        slices.SECTION,
    ),
    tables=value_tables,
    figures=value_figures,
    footnote="every image's error is in predictions.csv",
    scripts=("gallery.js",),  # its drawer, which start.js closes
)
