"""Write a detection table as COCO's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.data.boxes import Picture, pictures_of, shortest
from vision_ft.data.formats.coco.files import OUTLINES
from vision_ft.data.images.size import read_size
from vision_ft.data.placement import Transfer, find_losses, open_target, place_pictures, require_format, short_names
from vision_ft.data.table import SampleTable
from vision_ft.files import write_json
from vision_ft.types import Finding


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write `images/` and `annotations/instances_<split>.json` into a new folder; return what could not be held.

    Raises:
        DataError: the table holds no boxes, or the folder holds something.
    """
    require_format(table, "coco", name="COCO")
    root, names = open_target(root), short_names(table)
    place_pictures(table, root / "images", names, transfer=transfer)
    ids = table.meta.get("category_ids")
    ids = ids if ids and len(ids) == len(table.classes) else list(range(1, len(table.classes) + 1))
    categories = [{"id": key, "name": name} for key, name in zip(ids, table.classes.names, strict=True)]
    contents: dict[str | None, dict[str, list[dict[str, Any]]]] = {}
    for row, picture in enumerate(pictures_of(table)):
        content = contents.setdefault(picture.split, {"images": [], "annotations": [], "categories": categories})
        size = picture.stated or read_size(table.path(row)) or (0, 0)
        image = {"id": row + 1, "file_name": names[row], "width": size[0], "height": size[1]}
        content["images"].append(image | ({"group": picture.group} if picture.group else {}))
        content["annotations"] += _annotations(picture, image_id=row + 1, category_ids=ids)
    number = 0
    for split, content in contents.items():
        for annotation in content["annotations"]:
            number += 1
            annotation["id"] = number
        write_json(root / "annotations" / f"instances_{split or 'all'}.json", content)
    return find_losses(table, held=("polygons", "iscrowd", "groups", "open-splits", "classes", "category-ids"))


def _annotations(picture: Picture, *, image_id: int, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the rows of an image's boxes, still without their ids."""
    rows = []
    for (x1, y1, x2, y2), label, outlines, crowd in zip(
        picture.boxes, picture.labels, picture.polygons, picture.iscrowd, strict=True
    ):
        x, y = shortest(x1), shortest(y1)
        width, height = _extent(x, x2), _extent(y, y2)
        rows.append(
            {
                "id": 0,
                "image_id": image_id,
                "category_id": category_ids[label],
                "bbox": [x, y, width, height],
                "area": round(sum(map(_area, outlines)) if outlines else width * height, 2),
                "iscrowd": int(crowd),
                OUTLINES: [[shortest(value) for value in outline] for outline in outlines],
            }
        )
    return rows


def _extent(start: float, end: float) -> float:
    """Return the shortest width that leads from `start` to the very float32 `end`."""
    for digits in range(10):
        extent = round(end - start, digits)
        if np.float32(start + extent) == np.float32(end):
            return int(extent) if float(extent).is_integer() else extent
    return end - start


def _area(outline: Sequence[float]) -> float:
    """Return the area inside an outline x y x y ... by the shoelace formula."""
    x, y = np.asarray(outline[::2], np.float64), np.asarray(outline[1::2], np.float64)
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
