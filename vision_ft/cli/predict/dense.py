"""What `vision-ft predict` writes of masks and boxes: label maps, tables, and copies of the pictures drawn upon."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from vision_ft.cli.console import console
from vision_ft.data.class_table import ClassTable, class_table_csv
from vision_ft.data.images.decode import decode
from vision_ft.data.images.paint import class_colour, rgb
from vision_ft.feed.overlay import draw_answer
from vision_ft.files import atomic_path, write_atomic
from vision_ft.types import Prediction

MASKS, SUMMARY, CLASSES, ANNOTATED = "masks", "summary.csv", "classes.csv", "annotated"


class Found(Protocol):
    """The files of a source with their predictions.

    Attributes:
        names: path of each file below the source.
    """

    names: Sequence[Path]

    def __iter__(self) -> Iterator[tuple[Path, Path, Prediction]]:
        """Give out (file, its path below the source, prediction)."""
        ...


def write_masks(found: Found, out: Path, *, classes: Sequence[str], annotate: bool) -> None:
    """Write masks/<path>.png, whose values are class indices, classes.csv and summary.csv with the shares.

    Args:
        found: pictures with masks.
        out: folder.
        classes: K names.
        annotate: also write copies with translucent classes, below annotated/.
    """
    name_of = _short_names(found.names)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "mask", *(f"share_{name}" for name in classes)])
    count = 0
    for file, name, answer in found:
        mask = Path(MASKS, f"{name_of[name]}.png")
        _save_mask(answer.mask, out / mask, num_classes=len(classes))
        if annotate:
            _save_drawn(file, answer, out / ANNOTATED / f"{name_of[name]}.jpg", classes=classes)
        shares = [f"{answer.scores[label]:.6g}" for label in classes]
        writer.writerow([name.as_posix(), mask.as_posix(), *shares])
        count += 1
    write_atomic(out / SUMMARY, text.getvalue().encode("utf-8", errors="surrogateescape"))
    write_atomic(out / CLASSES, class_table_csv(ClassTable(tuple(classes), tuple(range(len(classes))))).encode("utf-8"))
    console.print(f"{count} masks in {out / MASKS}, shares in {out / SUMMARY}", highlight=False, markup=False)


def write_boxes(found: Found, out: Path, *, classes: Sequence[str], annotate: bool) -> None:
    """Write `path,label,score,x1,y1,x2,y2`, a line a box; a picture without boxes has none, and is counted.

    Args:
        found: pictures with boxes.
        out: CSV file.
        classes: K names.
        annotate: also write copies with boxes drawn, below <out without extension>_annotated/.
    """
    name_of = _short_names(found.names)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "label", "score", "x1", "y1", "x2", "y2"])
    counts: list[int] = []
    for file, name, answer in found:
        for label, score, box in zip(answer.box_labels, answer.box_scores, answer.boxes.tolist(), strict=True):
            writer.writerow([name.as_posix(), label, f"{score:.6g}", *(f"{side:.2f}" for side in box)])
        if annotate:
            target = out.with_name(f"{out.stem}_{ANNOTATED}") / f"{name_of[name]}.jpg"
            _save_drawn(file, answer, target, classes=classes)
        counts.append(len(answer.boxes))
    write_atomic(out, text.getvalue().encode("utf-8", errors="surrogateescape"))
    line = f"{sum(counts)} boxes in {len(counts)} pictures, {counts.count(0)} of them without any; {out}"
    console.print(line, highlight=False, markup=False)


def _short_names(names: Sequence[Path]) -> dict[Path, str]:
    """Return each path without its extension, or with it where two would then be the same."""
    seen = Counter(name.with_suffix("").as_posix().casefold() for name in names)
    return {
        name: (short if seen[short.casefold()] == 1 else name.as_posix())
        for name in names
        for short in [name.with_suffix("").as_posix()]
    }


def _save_mask(mask: np.ndarray, file: Path, *, num_classes: int) -> None:
    """Write class indices (H, W) as a PNG with a palette of the classes' colours."""
    picture = Image.fromarray(mask)
    picture.putpalette([value for index in range(num_classes) for value in rgb(class_colour(index))])
    with atomic_path(file) as temporary:
        picture.save(temporary, format="PNG")


def _save_drawn(file: Path, answer: Prediction, target: Path, *, classes: Sequence[str]) -> None:
    with atomic_path(target) as temporary:
        draw_answer(decode(file), answer, classes).save(temporary, format="JPEG", quality=90)
