"""Refuse boxes, scores and labels that cannot be, naming the image and the box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.boxes.matching import FoundBoxes, TrueBoxes

WHERE = "box predictions"


def as_arrays(parts: Sequence[Any], *, width: int | None, dtype: Any, what: str) -> list[np.ndarray]:
    """One array an image: (M,), or (M, width) where a width is given.

    Raises:
        DataError: an entry has another shape.
    """
    arrays = []
    for picture, part in enumerate(parts):
        array = np.asarray(part, dtype)
        if width is not None and array.size == 0:
            array = array.reshape(0, width)
        if array.ndim != (1 if width is None else 2) or (width is not None and array.shape[1] != width):
            wanted = "(M,)" if width is None else f"(M, {width})"
            raise DataError(f"{WHERE}: {what} of image {picture} have shape {array.shape}, expected {wanted}")
        arrays.append(array)
    return arrays


def refuse_lengths(lengths: Mapping[str, int], pictures: int) -> None:
    """Refuse a field that has not one entry per image.

    Raises:
        DataError: it has more or fewer.
    """
    for name, length in lengths.items():
        if length != pictures:
            raise DataError(f"{WHERE}: {pictures} paths but {length} {name}; each image needs one entry")


def refuse_uneven(counts: Mapping[str, Sequence[np.ndarray]], paths: Sequence[str]) -> None:
    """Refuse an image whose fields have not the same number of boxes; the first field is the measure.

    Raises:
        DataError: a field has more or fewer.
    """
    (first, measure), *others = counts.items()
    for name, parts in others:
        for picture, (wanted, part) in enumerate(zip(measure, parts, strict=True)):
            if len(wanted) != len(part):
                raise DataError(
                    f"{_place(paths, picture)}: {len(wanted)} {first} but {len(part)} {name}; each box needs one"
                )


def refuse_sizes(sizes: np.ndarray, paths: Sequence[str]) -> None:
    """Refuse sizes that are not (N, 2) numbers of pixels above 0.

    Raises:
        DataError: the shape or a size is another.
    """
    if sizes.ndim != 2 or sizes.shape[1] != 2:
        raise DataError(f"{WHERE}: sizes have shape {sizes.shape}, expected (N, 2): height and width in pixels")
    wrong = np.flatnonzero((sizes <= 0).any(axis=1))
    if wrong.size:
        height, width = sizes[wrong[0]].tolist()
        raise DataError(f"{_place(paths, wrong[0])}: height {height} and width {width}; both must be above 0 pixels")


def refuse_thresholds(thresholds: np.ndarray, num_classes: int) -> None:
    """Refuse thresholds that are not K numbers in [0, 1].

    Raises:
        DataError: the shape or a threshold is another.
    """
    if thresholds.shape != (num_classes,):
        raise DataError(f"{WHERE}: thresholds have shape {thresholds.shape}, expected ({num_classes},): one a class")
    wrong = np.flatnonzero(~((thresholds >= 0) & (thresholds <= 1)))
    if wrong.size:
        raise DataError(f"{WHERE}: threshold {thresholds[wrong[0]]} of class {wrong[0]}; it must be within 0 and 1")


def refuse_boxes(found: FoundBoxes, truth: TrueBoxes, *, num_classes: int, paths: Sequence[str]) -> None:
    """Refuse boxes that are not finite or have their corners exchanged, unknown labels, and scores outside [0, 1].

    A box without an area is allowed: it can only never be hit.

    Raises:
        DataError: there is one; the first is named.
    """
    for what, held in (("box", found), ("target box", truth)):
        corners = held.boxes
        right = np.isfinite(corners).all(axis=1) & (corners[:, 2:] >= corners[:, :2]).all(axis=1)
        _refuse(~right, held, corners, what=what, rule="x1 y1 x2 y2 must be finite, x2 >= x1 and y2 >= y1", paths=paths)
        outside = (held.labels < 0) | (held.labels >= num_classes)
        rule = f"there are {num_classes} classes (0..{num_classes - 1})"
        _refuse(outside, held, held.labels, what=f"label of {what}", rule=rule, paths=paths)
    bad = ~((found.scores >= 0) & (found.scores <= 1))
    _refuse(bad, found, found.scores, what="score of box", rule="a score must be within 0 and 1", paths=paths)


def _refuse(
    wrong: np.ndarray,
    held: FoundBoxes | TrueBoxes,
    values: np.ndarray,
    *,
    what: str,
    rule: str,
    paths: Sequence[str],
) -> None:
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    picture = int(held.pictures[row])
    place = row - int(np.searchsorted(held.pictures, picture))
    raise DataError(f"{_place(paths, picture)}: {what} {place} is {values[row].tolist()}; {rule}")


def _place(paths: Sequence[str], picture: int) -> str:
    return f"{WHERE}, image {picture} ({paths[picture]})"
