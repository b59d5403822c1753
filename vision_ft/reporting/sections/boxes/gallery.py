"""Images with their true boxes, the found ones and what is wrong, worst first."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.boxes.errors import ERROR_KINDS
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.overlays import ERROR_COLOURS, MAX_IMAGES, Shown, class_colours, show_pictures
from vision_ft.reporting.section import MAX_TITLE, ImageIndex, Section, View, cut
from vision_ft.reporting.sections.boxes.errors import KIND_TITLES


def _build(run: RunView, split: BoxSplit, pictures: ImageIndex) -> View:
    del pictures
    rows = split.worst_first[:MAX_IMAGES]
    shown = show_pictures([run.picture(split.predictions.paths[row]) for row in rows])
    items = [_item(split, row, picture) for row, picture in zip(rows, shown, strict=True)]
    return {
        "total": len(split.worst_first),
        "left_out": len(split.worst_first) - len(rows),
        "unreadable": sum(not item["image"] for item in items),
        "without_truth": 0,
        "kinds": list(KIND_TITLES.items()),
        "legend": [(ERROR_COLOURS[kind], title, ERROR_KINDS[kind]) for kind, title in KIND_TITLES.items()],
        "ignored": "dashed" if split.summary["ignored"] else "",
        "marks": "boxes",
        "classes": run.classes,
        "colours": class_colours(len(run.classes)),
        "background": None,
        "data": {
            "items": items,
            "colours": class_colours(len(run.classes)),
            "kinds": {kind: ERROR_COLOURS[kind] for kind in KIND_TITLES},
            "titles": KIND_TITLES,
        },
    }


def _item(split: BoxSplit, row: int, picture: Shown) -> dict[str, Any]:
    predictions, explained = split.predictions, split.explained
    height, width = predictions.sizes[row].tolist()
    return {
        "path": cut(predictions.paths[row], MAX_TITLE),
        "group": None if predictions.groups is None else predictions.groups[row],
        "image": picture.uri,
        "width": width,  # of the original, in whose pixels the boxes are
        "height": height,
        "f1": split.summary["per_picture"]["f1"][row],
        "truth": [
            {
                "box": _rounded(predictions.truth.boxes[at]),
                "label": int(predictions.truth.labels[at]),
                "ignored": bool(predictions.truth.ignored[at]),
                "missed": bool(explained.missed[at]),
            }
            for at in split.true_in(row)
        ],
        "found": [
            {
                "box": _rounded(predictions.found.boxes[at]),
                "label": int(predictions.found.labels[at]),
                "score": round(float(predictions.found.scores[at]), 4),
                "kind": str(explained.kinds[at]),
                "about": _label_about(split, int(explained.about[at])),
            }
            for at in split.found_in(row)
        ],
    }


def _label_about(split: BoxSplit, at: int) -> int | None:
    """Class of the true box that a detection is about, None for a ghost."""
    return None if at < 0 else int(split.predictions.truth.labels[at])


def _rounded(box: Any) -> list[float]:
    return [round(float(value), 1) for value in box]


SECTION = Section("gallery", "Images, worst first", "dense_gallery.html.j2", build_split=_build)
