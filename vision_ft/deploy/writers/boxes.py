"""One CSV with a line per box, and copies of the images with the boxes drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vision_ft.deploy.writers.table import check_table
from vision_ft.deploy.writers.writer import ANNOTATED, DEFAULT_CSV, Draw, Found, save_drawn, short_names, write_csv
from vision_ft.predictions import BoxPrediction


@dataclass(frozen=True)
class BoxWriter:
    """Writes `path,label,score,x1,y1,x2,y2`, a line per box; an image without boxes has none, and is counted.

    Attributes:
        task: what messages call the model.
        draw: draws a prediction on its image, for <out without extension>_annotated/.
        default_out: where it writes when the person does not say.
    """

    task: str
    draw: Draw
    default_out: Path = DEFAULT_CSV

    def check(self, out: Path) -> None:
        """Refuse a folder.

        Raises:
            RecipeError: `out` is one.
        """
        check_table(out, task=self.task)

    def writes_images(self, *, annotate: bool) -> bool:
        """Whether image files are written: copies with boxes, if asked for."""
        return annotate

    def write(self, found: Found[BoxPrediction], out: Path, *, annotate: bool) -> str:
        """Write everything, and return a line with the number of boxes."""
        name_of = short_names(found.names)
        counts: list[int] = []

        def rows() -> Iterator[list[str]]:
            for file, name, one in found:
                for label, score, box in zip(one.box_labels, one.box_scores, one.boxes.tolist(), strict=True):
                    yield [name.as_posix(), label, f"{score:.6g}", *(f"{side:.2f}" for side in box)]
                if annotate:
                    target = out.with_name(f"{out.stem}_{ANNOTATED}") / f"{name_of[name]}.jpg"
                    save_drawn(file, one, target, draw=self.draw)
                counts.append(len(one.boxes))

        write_csv(out, ["path", "label", "score", "x1", "y1", "x2", "y2"], rows())
        return f"{sum(counts)} boxes in {len(counts)} images, {counts.count(0)} of them without any; {out}"
