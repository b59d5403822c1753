"""The sections of the report, by task, in the order of the page."""

from __future__ import annotations

from vision_ft.reporting.section import Section
from vision_ft.reporting.sections import (
    augmentation,
    box_classes,
    box_confusion,
    box_curves,
    box_errors,
    box_gallery,
    box_overview,
    budget,
    calibration,
    candidates,
    confusion,
    curves,
    decision,
    dense_groups,
    groups,
    honest_split,
    labels,
    lineage,
    mask_classes,
    mask_confusion,
    mask_gallery,
    mask_overview,
    mistakes,
    next_labels,
    overview,
    pairs,
    per_class,
    shift,
    slices,
)

# Only where the run was adapted to a new camera.
ADAPTATION = (decision.SECTION, shift.SECTION, candidates.SECTION)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "classification": (
        *ADAPTATION,
        budget.SECTION,  # this one and the next two as well
        next_labels.SECTION,
        honest_split.SECTION,
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
    "segmentation": (
        *ADAPTATION,
        next_labels.SECTION,
        mask_overview.SECTION,
        mask_gallery.SECTION,
        mask_confusion.SECTION,
        mask_classes.SECTION,
        dense_groups.SECTION,
        curves.SECTION,
        augmentation.SECTION,
        lineage.SECTION,
    ),
    "detection": (
        *ADAPTATION,
        next_labels.SECTION,
        box_overview.SECTION,
        box_gallery.SECTION,
        box_errors.SECTION,
        box_confusion.SECTION,
        box_classes.SECTION,
        box_curves.SECTION,
        dense_groups.SECTION,
        curves.SECTION,
        augmentation.SECTION,
        lineage.SECTION,
    ),
}
