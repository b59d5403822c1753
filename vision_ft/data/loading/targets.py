"""Ground truth of the images of a table, transformed together with the image: labels, masks or boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from vision_ft.data.class_table import ClassTable
from vision_ft.data.masks import IGNORED_PIXEL, read_mask
from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import COUNTED, CROWD, DIFFICULT, UNLABELLED, Target

MAX_MASK_CLASSES = 255
MarkedBoxes = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (N, 4), class indices (N,), marks (N,)


@dataclass(frozen=True)
class Moved:
    """An image after augmentation, with its mask or boxes; see `augment.presets.Augmented`."""

    image: np.ndarray
    mask: np.ndarray | None
    boxes: np.ndarray
    kept: np.ndarray


class Movement(Protocol):
    """What moves pixels: an augmentation preset."""

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """Return the image (H, W, C) moved and recoloured, (h, w, C)."""

    def with_targets(
        self, image: np.ndarray, seed: int, *, mask: np.ndarray | None = None, boxes: np.ndarray | None = None
    ) -> Any:
        """Return an image like `Moved`, with the mask (H, W) or boxes (N, 4) of the given one."""


@dataclass(frozen=True)
class PlainMovement:
    """The geometry of evaluation, for what lies on an image.

    Attributes:
        mask: mask (H, W) -> mask (h, w), values unmixed.
        boxes: boxes (N, 4) in pixels and the image's (H, W) -> boxes in pixels of the network's input.
    """

    mask: Callable[[np.ndarray], np.ndarray]
    boxes: Callable[[np.ndarray, tuple[int, int]], np.ndarray]


class Truth(Protocol):
    """The targets of the images of a table.

    Attributes:
        is_drawn: whether a target is a place in the image, which moves with its pixels and can be drawn on it.
    """

    is_drawn: ClassVar[bool]

    def read(self, row: int) -> Any:
        """Return the target of a row on the image as its file has it."""

    def plain(self, row: int, size: tuple[int, int]) -> Any:
        """Return the target of an image of `size` (H, W) as evaluation sees it."""

    def augmented(self, row: int, picture: np.ndarray, seed: int, augment: Movement) -> tuple[np.ndarray, Any]:
        """Return the augmented image (h, w, C) and its target."""

    def collate(self, targets: Sequence[Any]) -> Target:
        """Return the target of a batch."""


class LabelTruth:
    """Labels, which stay the same however an image is moved.

    Args:
        labels: (N,) class index of each row; (N, K) float of label sets; (N, T) of label columns.
    """

    is_drawn: ClassVar[bool] = False

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels

    def read(self, row: int) -> Any:
        """Return the label of a row."""
        return self.labels[row]

    def plain(self, row: int, _size: tuple[int, int]) -> Any:
        """Return the label of a row."""
        return self.labels[row]

    def augmented(self, row: int, picture: np.ndarray, seed: int, augment: Movement) -> tuple[np.ndarray, Any]:
        """Return the augmented image and the label of its row."""
        return augment(picture, seed), self.labels[row]

    def collate(self, targets: Sequence[Any]) -> Target:
        """Return labels (B,) int64 or (B, K) float32."""
        labels = np.stack(targets)
        return Target(labels=torch.from_numpy(labels.astype(np.float32 if labels.dtype.kind == "f" else np.int64)))


class MaskTruth:
    """Masks, a class index a pixel.

    Args:
        table: of task segmentation.
        movement: the geometry of evaluation.
        keep_bytes: decoded masks stay in memory up to this many bytes.
    """

    is_drawn: ClassVar[bool] = True

    def __init__(self, table: SampleTable, movement: PlainMovement, *, keep_bytes: int = 0) -> None:
        if len(table.classes) > MAX_MASK_CLASSES:
            raise DataError(f"{table.root}: {len(table.classes)} classes; masks may have up to {MAX_MASK_CLASSES}.")
        self.table, self.movement = table, movement
        self._masks = table.arrow.column("mask")
        self.codes = ClassTable.from_meta(table.classes.names, table.meta["masks"])
        self._keep_bytes = keep_bytes
        self._kept: dict[int, np.ndarray] = {}

    def read(self, row: int) -> np.ndarray:
        """Return the mask (H, W) of a row as uint8, 255 where a pixel does not count.

        Raises:
            ImageError: the mask cannot be read or holds unknown values.
        """
        mask = self._kept.get(row)
        if mask is None:
            name = self._masks[row].as_py()
            mask = read_mask(self.table.root / unescape_name(name), self.codes).astype(np.uint8)  # -1 becomes 255
            if mask.nbytes <= self._keep_bytes:
                self._keep_bytes -= mask.nbytes
                self._kept[row] = mask
        return mask

    def plain(self, row: int, size: tuple[int, int]) -> np.ndarray:
        """Return the mask (h, w) as evaluation sees it; no pixel counts where the image has none."""
        if not self._masks[row].is_valid:
            return self.movement.mask(np.full(size, IGNORED_PIXEL, dtype=np.uint8))
        return self.movement.mask(self.read(row))

    def augmented(self, row: int, picture: np.ndarray, seed: int, augment: Movement) -> tuple[np.ndarray, np.ndarray]:
        """Return image (h, w, C) and mask (h, w), moved together."""
        moved = augment.with_targets(picture, seed, mask=self.read(row))
        return moved.image, moved.mask

    def collate(self, targets: Sequence[np.ndarray]) -> Target:
        """Return masks (B, h, w) int64, -1 where a pixel does not count."""
        masks = torch.from_numpy(np.stack(targets)).long()
        return Target(masks=masks.masked_fill_(masks == IGNORED_PIXEL, UNLABELLED))


class BoxTruth:
    """Boxes with a class each; crowds are not learned from, and neither crowds nor difficult boxes are judged.

    Args:
        table: of task detection.
        movement: the geometry of evaluation.
    """

    is_drawn: ClassVar[bool] = True

    def __init__(self, table: SampleTable, movement: PlainMovement) -> None:
        self.movement = movement
        self._boxes = table.arrow.column("boxes")
        self._labels = table.arrow.column("box_labels")
        names = table.arrow.column_names
        self._flags = {name: table.arrow.column(name) for name in ("iscrowd", "difficult") if name in names}

    def read(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (N, 4) in pixels of the image, and class indices (N,), as training reads them."""
        return self._read_learned(row)[:2]

    def read_all(self, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes (N, 4), class indices (N,), and whether each is a crowd or difficult: neither hit nor miss."""
        boxes, labels, marks = self._read_marked(row)
        return boxes, labels, marks != COUNTED

    def _read_marked(self, row: int) -> MarkedBoxes:
        boxes = np.asarray(self._boxes[row].as_py() or [], dtype=np.float32).reshape(-1, 4)
        labels = np.asarray(self._labels[row].as_py() or [], dtype=np.int64)
        marks = np.full(len(boxes), COUNTED, dtype=np.int64)
        marks[self._flagged("difficult", row, len(boxes))] = DIFFICULT
        marks[self._flagged("iscrowd", row, len(boxes))] = CROWD
        return boxes, labels, marks

    def _read_learned(self, row: int) -> MarkedBoxes:
        boxes, labels, marks = self._read_marked(row)
        keep = marks != CROWD
        return boxes[keep], labels[keep], marks[keep]

    def _flagged(self, name: str, row: int, count: int) -> np.ndarray:
        values = self._flags[name][row].as_py() if name in self._flags else None
        return np.asarray(values, dtype=bool) if values else np.zeros(count, dtype=bool)

    def plain(self, row: int, size: tuple[int, int]) -> MarkedBoxes:
        """Return boxes (N, 4) in pixels of the network's input, class indices (N,) and marks (N,), crowds too."""
        boxes, labels, marks = self._read_marked(row)
        return self.movement.boxes(boxes, size).astype(np.float32), labels, marks

    def augmented(self, row: int, picture: np.ndarray, seed: int, augment: Movement) -> tuple[np.ndarray, MarkedBoxes]:
        """Return the image (h, w, C), and its boxes, labels and marks as far as they are still to be seen."""
        boxes, labels, marks = self._read_learned(row)
        moved = augment.with_targets(picture, seed, boxes=boxes)
        return moved.image, (moved.boxes, labels[moved.kept], marks[moved.kept])

    def collate(self, targets: Sequence[MarkedBoxes]) -> Target:
        """Return B tensors of boxes, B of labels and B of marks."""
        boxes, labels, marks = zip(*targets, strict=True)
        return Target(
            boxes=tuple(torch.from_numpy(np.ascontiguousarray(one)) for one in boxes),
            box_labels=tuple(torch.from_numpy(one) for one in labels),
            box_marks=tuple(torch.from_numpy(one) for one in marks),
        )
