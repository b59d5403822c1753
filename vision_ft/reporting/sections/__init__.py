"""The sections of the report, by task, in the order of the page."""

from __future__ import annotations

from vision_ft.reporting.section import Section
from vision_ft.reporting.sections import augmentation, curves, dense_groups, lineage
from vision_ft.reporting.sections.adaptation import budget, candidates, decision, honest_split, next_labels, shift
from vision_ft.reporting.sections.boxes import classes as box_classes
from vision_ft.reporting.sections.boxes import confusion as box_confusion
from vision_ft.reporting.sections.boxes import curves as box_curves
from vision_ft.reporting.sections.boxes import errors as box_errors
from vision_ft.reporting.sections.boxes import gallery as box_gallery
from vision_ft.reporting.sections.boxes import overview as box_overview
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
from vision_ft.reporting.sections.labels import column_confusion, label_confusion, taken_for
from vision_ft.reporting.sections.labels import overview as label_overview
from vision_ft.reporting.sections.labels import table as label_table
from vision_ft.reporting.sections.masks import classes as mask_classes
from vision_ft.reporting.sections.masks import confusion as mask_confusion
from vision_ft.reporting.sections.masks import gallery as mask_gallery
from vision_ft.reporting.sections.masks import overview as mask_overview

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
        suspicious_labels.SECTION,
        per_class.SECTION,
        groups.SECTION,
        slices.SECTION,
        calibration.SECTION,
        curves.SECTION,
        augmentation.SECTION,
        lineage.SECTION,
    ),
    "multilabel": (
        label_overview.SECTION,
        label_table.SECTION,
        label_confusion.SECTION,
        taken_for.SECTION,
        mistakes.SECTION,
        curves.SECTION,
        augmentation.SECTION,
        lineage.SECTION,
    ),
    "multitask": (
        label_overview.SECTION,
        column_confusion.SECTION,
        pairs.SECTION,
        mistakes.SECTION,
        suspicious_labels.SECTION,
        per_class.SECTION,
        groups.SECTION,
        slices.SECTION,
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
