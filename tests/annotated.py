"""Small sets of boxes and masks, drawn on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from vision_ft.data.boxes import Picture, build_box_table
from vision_ft.data.class_table import ClassTable
from vision_ft.data.table import SampleTable
from vision_ft.types import ClassSpace

SIZE = (64, 48)


def draw_pictures(root: Path, names: list[str], size: tuple[int, int] = SIZE) -> None:
    rng = np.random.default_rng(0)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(root / name)


def box_table(root: Path, *, outlines: bool = False) -> SampleTable:
    """Four images in three splits: two boxes, one, none, and one; with fractions of pixels."""
    names = ["images/train/a.png", "images/train/b.png", "images/val/c.png", "images/test/d.png"]
    draw_pictures(root, names)
    a, b, c, d = (Picture(name, name.split("/")[1], stated=SIZE) for name in names)
    for picture, box, label in [(a, (5, 6, 25.25, 21), 0), (a, (30.1, 4, 60, 40.7), 1), (b, (0, 0, 64, 48), 0)]:
        x1, y1, x2, y2 = box
        picture.add(box, label, polygons=[[x1, y1, x2, y1, x2, y2, x1, y2]] if outlines else ())
    d.add((1, 2, 3, 4.5), 1, polygons=[[1, 2, 3, 2, 3, 4.5]] if outlines else ())
    return build_box_table(root, [a, b, c, d], ClassSpace(("cat", "dog")))


def mask_table(root: Path, codes: ClassTable, masks: dict[str, np.ndarray], **options) -> SampleTable:
    """Images with masks saved as they are; a name is "train/a" or "a"."""
    draw_pictures(root, [f"images/{name}.png" for name in masks])
    for name, pixels in masks.items():
        file = root / "masks" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return SampleTable.build(
        root=root,
        paths=[f"images/{name}.png" for name in masks],
        labels=[-1] * len(masks),
        classes=ClassSpace(codes.names),
        task="segmentation",
        extra={"mask": pa.array([f"masks/{name}.png" for name in masks])},
        meta={"masks": codes.as_meta()},
        **options,
    )


def content_of(table: SampleTable) -> list[tuple]:
    """What a detection table says, whatever its images are called below their folders."""
    columns = [name for name in ("polygons", "iscrowd", "difficult") if name in table.arrow.column_names]
    rows = []
    for row in range(len(table)):
        labels = [table.classes.names[label] for label in table.arrow["box_labels"][row].as_py()]
        extra = [table.arrow[name][row].as_py() for name in columns]
        name = Path(table.relative_path(row)).name
        rows.append((name, table.splits[row], table.arrow["boxes"][row].as_py(), labels, *extra))
    return sorted(rows)
