"""What metrics.json holds of each split, by task: the hand-over from the end of a run to reports and comparisons.

All values are ready for JSON: fractions of 1, None where a number is not defined.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Number = float | None
Ends = tuple[Number, Number] | list[Number]  # of a 95% interval
Over = Literal["pictures", "groups"]
Row = dict[str, Any]  # of a table: a class, a pair, a group


class Summary(TypedDict):
    """What the summaries of all tasks have in common.

    n: images that were judged; interval_over: what the bootstrap drew.
    """

    n: int
    interval_over: Over


class ClassSummary(Summary):
    """One label an image; see `evaluate.classification.metrics.summarise`."""

    unlabelled: int
    num_classes: int
    classes_without_pictures: list[str]
    accuracy: Number
    accuracy_interval: Ends
    balanced_accuracy: Number
    balanced_accuracy_interval: Ends
    macro_f1: Number
    macro_f1_interval: Ends
    top_k: int | None
    top_k_accuracy: Number
    top_k_accuracy_interval: NotRequired[Ends]
    log_loss: Number
    ece: Number
    majority_accuracy: Number
    temperature: float
    log_loss_calibrated: NotRequired[Number]
    ece_calibrated: NotRequired[Number]
    ece_by_chance: NotRequired[Number]
    mean_confidence: NotRequired[Number]
    per_class: list[Row]
    confusion: list[list[int]]
    confused_pairs: list[Row]
    groups: list[Row] | None
    accuracy_interval_by_group: NotRequired[Ends | None]
    notes: list[str]


class LabelSetSummary(Summary):
    """Several labels an image; see `evaluate.labels.multilabel.summarise_labels`."""

    unlabelled: int
    known: int
    num_classes: int
    classes_without_pictures: list[str]
    log_loss: Number
    subset_accuracy: Number
    subset_accuracy_interval: Ends
    complete: int
    macro_f1: Number
    macro_f1_interval: Ends
    micro_f1: Number
    micro_f1_interval: Ends
    map: Number
    map_interval: Ends
    hamming_loss: Number
    hamming_loss_interval: Ends
    per_class: list[Row]
    taken_for: list[list[int]]
    by_group: dict[str, Row] | None
    notes: list[str]


class ColumnsSummary(Summary):
    """Several label columns; see `evaluate.labels.multitask.summarise_columns`."""

    unlabelled: int
    exact: Number
    exact_interval: Ends
    accuracy: Number
    accuracy_interval: Ends
    macro_f1: Number
    macro_f1_interval: Ends
    columns: list[Row]


class MaskSummary(Summary):
    """Masks; see `evaluate.masks.summary.summarise_masks`."""

    unlabelled: int
    pixels: int
    miou: Number
    miou_interval: Ends
    dice: Number
    dice_interval: Ends
    pixel_accuracy: Number
    pixel_accuracy_interval: Ends
    boundary_f: Number
    boundary_f_interval: Ends
    per_class: list[Row]
    confusion: list[list[int]]
    confused_pairs: list[Row]
    by_group: dict[str, Row]
    per_picture: dict[str, list[Number]]
    notes: list[str]


class BoxSummary(Summary):
    """Boxes; see `evaluate.boxes.summary.summarise_boxes`."""

    boxes: int
    ignored: int
    map: Number
    map_interval: Ends
    map50: Number
    map50_interval: Ends
    map75: Number
    map_small: Number
    map_medium: Number
    map_large: Number
    mar100: Number
    per_class: list[Row]
    thresholds: dict[str, float]
    confusion: list[list[int]]
    errors: dict[str, int]
    errors_ap50: dict[str, Number]
    curves: list[Row]
    by_group: dict[str, Row]
    per_picture: dict[str, Any]
