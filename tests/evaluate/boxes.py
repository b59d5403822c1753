"""Small sets of found and true boxes."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.boxes.predictions import BoxPredictions

SIDE = 300.0
PARTS = ("boxes", "scores", "labels", "target_boxes", "target_labels", "ignored")


def square(x: float, y: float = 0, side: float = 100) -> list[float]:
    """Corners of a square in pixels."""
    return [x, y, x + side, y + side]


def picture(found=(), true=()) -> dict:
    """An image of (box, score, label) that were found and (box, label) or (box, label, ignored) that are true."""
    true = [(*one, False)[:3] for one in true]
    return {
        "boxes": np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
        "scores": np.array([score for _, score, _ in found]),
        "labels": np.array([label for _, _, label in found], np.int64),
        "target_boxes": np.array([box for box, _, _ in true], np.float32).reshape(-1, 4),
        "target_labels": np.array([label for _, label, _ in true], np.int64),
        "ignored": np.array([ignored for _, _, ignored in true], bool),
    }


def predictions_of(*pictures: dict, classes="ab", **changes) -> BoxPredictions:
    values = {
        "classes": tuple(classes),
        "paths": [f"{row}.jpg" for row in range(len(pictures))],
        "sizes": np.full((len(pictures), 2), int(SIDE)),
        **{name: [one[name] for one in pictures] for name in PARTS},
    }
    return BoxPredictions(**(values | changes))


def drawn_picture(rng, *, num_classes: int, detections: int, truths: int, crowds: float, decimals: int) -> dict:
    """True boxes anywhere, and detections near them, some shifted, some of another class."""
    corner, size = rng.uniform(0, 0.8 * SIDE, (truths, 2)), rng.uniform(8, 130, (truths, 2))
    true, labels = np.concatenate([corner, corner + size], axis=1), rng.integers(0, num_classes, truths)
    source = rng.integers(0, max(truths, 1), detections)
    near = true[source] if truths else np.tile([50.0, 50, 120, 120], (detections, 1))
    near = near + rng.normal(0, 7, near.shape)
    wanted = labels[source] if truths else rng.integers(0, num_classes, detections)
    return {
        "boxes": np.concatenate([np.minimum(near[:, :2], near[:, 2:]), np.maximum(near[:, :2], near[:, 2:])], axis=1),
        "scores": np.round(rng.random(detections), decimals),
        "labels": np.where(rng.random(detections) < 0.8, wanted, rng.integers(0, num_classes, detections)),
        "target_boxes": true,
        "target_labels": labels,
        "ignored": rng.random(truths) < crowds,
    }


def drawn(seed: int, *, pictures: int = 20, crowds: float = 0.15, decimals: int = 9, **changes) -> BoxPredictions:
    """A drawn set: 3 of 4 classes have true boxes, some images have none, and one has more than 100 detections."""
    rng = np.random.default_rng(seed)
    held = [
        drawn_picture(
            rng,
            num_classes=3,
            detections=320 if row == 1 else int(rng.integers(0, 20)),
            truths=0 if row % 5 == 0 else int(rng.integers(0, 8)),
            crowds=crowds,
            decimals=decimals,
        )
        for row in range(pictures)
    ]
    held[0]["labels"] = np.full(len(held[0]["labels"]), 3)
    return predictions_of(*held, classes="abcd", **changes)


def chosen(predictions: BoxPredictions, rows) -> BoxPredictions:
    """The images at `rows`, in that order."""
    names = ("paths", "sizes", *PARTS)
    values = {name: [getattr(predictions, name)[row] for row in rows] for name in names}
    return BoxPredictions(
        classes=predictions.classes,
        thresholds=predictions.thresholds,
        **(values | {"sizes": np.array(values["sizes"]).reshape(-1, 2)}),
    )
