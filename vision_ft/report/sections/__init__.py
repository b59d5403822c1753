"""The sections of the report, by task, in the order of the page."""

from __future__ import annotations

from vision_ft.report.section import Section
from vision_ft.report.sections import (
    augmentation,
    calibration,
    confusion,
    curves,
    groups,
    labels,
    lineage,
    mistakes,
    overview,
    pairs,
    per_class,
    slices,
)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "classification": (
        overview.SECTION,
        confusion.SECTION,
        pairs.SECTION,
        mistakes.SECTION,
        labels.SECTION,
        per_class.SECTION,
        groups.SECTION,
        slices.SECTION,
        calibration.SECTION,
        curves.SECTION,
        augmentation.SECTION,
        lineage.SECTION,
    ),
}
