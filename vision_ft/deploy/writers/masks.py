"""A folder of label maps with their classes and shares, and copies of the images with translucent classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vision_ft.data.class_table import ClassTable, class_table_csv
from vision_ft.deploy.writers.writer import ANNOTATED, DEFAULT_FOLDER, Draw, Found, save_drawn, short_names, write_csv
from vision_ft.drawing import class_colour, rgb
from vision_ft.errors import RecipeError
from vision_ft.files import atomic_path, write_atomic
from vision_ft.predictions import MaskPrediction

MASKS, SUMMARY, CLASSES = "masks", "summary.csv", "classes.csv"


@dataclass(frozen=True)
class MaskWriter:
    """Writes masks/<path>.png, whose values are class indices, classes.csv and summary.csv with the shares.

    Attributes:
        classes: K names.
        draw: lays a prediction over its image, for annotated/.
        default_out: where it writes when the person does not say.
    """

    classes: Sequence[str]
    draw: Draw
    default_out: Path = DEFAULT_FOLDER

    def check(self, out: Path) -> None:
        """Refuse a file.

        Raises:
            RecipeError: `out` is one.
        """
        if out.is_file() or out.suffix.lower() == ".csv":
            raise RecipeError(f"out: {out} is a file; masks are written into a folder. Name a folder.")

    def writes_images(self, *, annotate: bool) -> bool:
        """Whether image files are written: always."""
        del annotate
        return True

    def write(self, found: Found[MaskPrediction], out: Path, *, annotate: bool) -> str:
        """Write everything, and return a line that says how many masks are where."""
        name_of = short_names(found.names)
        count = 0

        def rows() -> Iterator[list[str]]:
            nonlocal count
            for file, name, prediction in found:
                mask = Path(MASKS, f"{name_of[name]}.png")
                _save_mask(prediction.mask, out / mask, num_classes=len(self.classes))
                if annotate:
                    save_drawn(file, prediction, out / ANNOTATED / f"{name_of[name]}.jpg", draw=self.draw)
                shares = [f"{prediction.scores[label]:.6g}" for label in self.classes]
                count += 1
                yield [name.as_posix(), mask.as_posix(), *shares]

        write_csv(out / SUMMARY, ["path", "mask", *(f"share_{name}" for name in self.classes)], rows())
        table = ClassTable(tuple(self.classes), tuple(range(len(self.classes))))
        write_atomic(out / CLASSES, class_table_csv(table).encode("utf-8"))
        return f"{count} masks in {out / MASKS}, shares in {out / SUMMARY}"


def _save_mask(mask: np.ndarray, file: Path, *, num_classes: int) -> None:
    """Write class indices (H, W) as a PNG with a palette of the classes' colours."""
    image = Image.fromarray(mask)
    image.putpalette([value for index in range(num_classes) for value in rgb(class_colour(index))])
    with atomic_path(file) as temporary:
        image.save(temporary, format="PNG")
