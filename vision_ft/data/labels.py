"""From label names and given splits to a class space: ids are those of train, never of another split."""

from __future__ import annotations

from collections.abc import Sequence

from vision_ft.errors import DataError
from vision_ft.types import ClassSpace

SPLIT_BY_NAME = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def build_class_space(
    names: Sequence[str], splits: Sequence[str | None] | None, *, where: str
) -> tuple[ClassSpace, list[int]]:
    """Return the classes in text order, and the class index of each row.

    Only rows that may be trained on (train, or no split yet) make classes; where no such row exists, all do.

    Raises:
        DataError: val or test holds a class that train lacks.
    """
    known = set(names)
    if splits is not None:
        trained = {name for name, split in zip(names, splits, strict=True) if split in ("train", None)}
        known = trained or known
        extra = sorted(set(names) - known)
        if extra:
            holders = sorted({str(split) for name, split in zip(names, splits, strict=True) if name in set(extra)})
            raise DataError(
                f"{where}: {' and '.join(holders)} holds the classes {shorten(extra)}, which train lacks; train has "
                f"{shorten(sorted(known))}. Add training images of them, or remove them from {' and '.join(holders)}."
            )
    ordered = sorted(known)
    index = {name: position for position, name in enumerate(ordered)}
    return ClassSpace(tuple(ordered)), [index[name] for name in names]


def shorten(names: Sequence[str], limit: int = 10) -> str:
    """Return the first names quoted, and how many more there are."""
    shown = ", ".join(repr(name if len(name) <= 60 else name[:57] + "...") for name in names[:limit])
    return f"[{shown}]" if len(names) <= limit else f"[{shown} and {len(names) - limit} more]"
