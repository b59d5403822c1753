"""What the rows of a table should be answered with, by task: labels, masks or boxes, and how many there are of each."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from vision_ft.data import several_labels
from vision_ft.data.loading.targets import BoxTruth, LabelTruth, MaskTruth, PlainMovement, Truth
from vision_ft.data.several_labels import TASKS_OF_SEVERAL, count_known, label_matrix
from vision_ft.data.table import SampleTable
from vision_ft.types import UNLABELLED, Preprocessing

ANSWER_COLUMN = {"segmentation": "mask", "detection": "boxes"}


def build_truth(table: SampleTable, preprocessing: Preprocessing, *, keep_bytes: int = 0) -> Truth:
    """Return the answers of a table's pictures; masks stay in memory up to `keep_bytes`."""
    if table.task == "segmentation":
        return MaskTruth(table, plain_movement(preprocessing), keep_bytes=keep_bytes)
    if table.task == "detection":
        return BoxTruth(table, plain_movement(preprocessing))
    return LabelTruth(labels_of(table))


def labels_of(table: SampleTable) -> np.ndarray:
    """Return the labels of every row: (N,) class indices, or as `label_matrix` says of several labels a picture."""
    return label_matrix(table) if table.task in TASKS_OF_SEVERAL else table.labels


def plain_movement(preprocessing: Preprocessing) -> PlainMovement:
    """Return the geometry of evaluation, for masks and boxes."""
    from vision_ft.augment.geometry import EvalGeometry  # here: albumentations takes a second

    height, width = preprocessing.size[1:]
    geometry = EvalGeometry(
        (height, width), crop_pct=preprocessing.crop_pct, crop_mode=preprocessing.crop_mode, filter_name="nearest"
    )
    in_pixels = np.array([width, height, width, height], dtype=np.float64)

    def move_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        shares = boxes / np.array([size[1], size[0], size[1], size[0]], dtype=np.float64)
        return np.clip(geometry.apply_to_bboxes(shares, shape=size) * in_pixels, 0, in_pixels)

    return PlainMovement(geometry.apply_to_mask, move_boxes)


def labelled_rows(table: SampleTable, split: str) -> np.ndarray:
    """Return the row numbers of a split whose answer is known."""
    rows = table.rows(split)
    return rows[is_labelled(table)[rows]]


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return for each row whether its answer is known; a picture with an empty list of boxes is: it shows nothing."""
    if table.task in TASKS_OF_SEVERAL:
        return several_labels.is_labelled(label_matrix(table))
    column = ANSWER_COLUMN.get(table.task)
    if column is None:
        return table.labels != UNLABELLED
    return np.asarray(pc.is_valid(table.arrow.column(column)).to_numpy(), dtype=bool)


def count_classes(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return how often each class occurs (K,) in the rows: pictures, pixels or boxes.

    Of sets of labels (2, K): pictures known to lack, and to have, each label.
    """
    size = len(table.classes)
    if table.task in TASKS_OF_SEVERAL:
        known = count_known(table, rows)
        return known if table.task == "multilabel" else known[1]
    if table.task == "segmentation" and "class_pixels" in table.arrow.column_names:
        pixels = table.arrow.column("class_pixels").to_pylist()
        return (
            np.array([pixels[row] or [0] * (size + 1) for row in rows], dtype=np.int64)
            .reshape(-1, size + 1)[:, :size]
            .sum(axis=0)
        )
    if table.task == "detection":
        labels = table.arrow.column("box_labels").to_pylist()
        flat = np.array([label for row in rows for label in labels[row] or []], dtype=np.int64)
        return np.bincount(flat[flat >= 0], minlength=size)
    labels = table.labels[rows]
    return np.bincount(labels[labels >= 0], minlength=size)
