"""Which found box is which true box: COCO's own matching, kept image by image so that it can be weighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pycocotools.coco import COCO

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)  # COCO's; arange would step over some of them by one bit
MAX_DETECTIONS = 100  # of a class in an image, as COCO takes them for average precision
AREAS = {  # px^2 of the original image, both ends included, as COCO has them
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}


@dataclass(frozen=True)
class FoundBoxes:
    """The detections of all images, one image after the other.

    Attributes:
        pictures: (M,) position of the image.
        boxes: (M, 4) x1 y1 x2 y2 in pixels.
        labels: (M,) class indices.
        scores: (M,) float64.
    """

    pictures: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class TrueBoxes:
    """The true boxes of all images, one image after the other.

    Attributes:
        pictures: (T,) position of the image.
        boxes: (T, 4) x1 y1 x2 y2 in pixels.
        labels: (T,) class indices.
        ignored: (T,) bool; a detection on such a box is neither a hit nor a miss.
    """

    pictures: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray


@dataclass(frozen=True)
class ClassMatches:
    """The detections of one class, most certain first, with what each of them met.

    Ties keep the order of the images, then the order given. I are the thresholds `IOU_THRESHOLDS`.

    Attributes:
        rows: (D,) positions in `FoundBoxes`.
        pictures: (D,) position of the image.
        scores: (D,) not increasing.
        hit: (I, D) whether it is the one match of a counted true box.
        counted: (I, D) whether it is a hit or a false alarm; those on ignored boxes, and those outside the area range
            that met nothing, are neither.
        truth: (D,) position in `TrueBoxes` of the box that it hits at IoU 0.5, or -1.
        first: (D,) whether it is among the best of its image, which average precision takes; see `match_boxes`.
        truths: (N,) counted true boxes in each image.
    """

    rows: np.ndarray
    pictures: np.ndarray
    scores: np.ndarray
    hit: np.ndarray
    counted: np.ndarray
    truth: np.ndarray
    first: np.ndarray
    truths: np.ndarray


def match_boxes(
    found: FoundBoxes, truth: TrueBoxes, *, num_pictures: int, num_classes: int, area: str = "all"
) -> list[ClassMatches]:
    """Match detections with true boxes class by class as COCO does (Lin et al. 2014, arXiv:1405.0312; pycocotools).

    In order of score each detection takes the free true box of its class that it overlaps most, at or above the IoU
    threshold; an ignored box only where no counted one is free. Ignored boxes are COCO's crowds: any number of
    detections may lie on one, and the share of the detection inside it stands for the IoU.

    All detections take part. Average precision takes the `first` of each class in each image: COCO's 100, or as many
    as the fullest image holds counted true boxes of one class, since fewer could not find them all.

    Args:
        found: detections.
        truth: true boxes.
        num_pictures: N.
        num_classes: K.
        area: a key of `AREAS`; true boxes outside it are ignored.

    Returns:
        The matches of each of the K classes.
    """
    from pycocotools.cocoeval import COCOeval  # here: only boxes need it

    silence = StringIO()  # pycocotools prints its progress
    with redirect_stdout(silence):
        evaluator = COCOeval(
            _index(_annotations(truth, {"iscrowd": truth.ignored.astype(int)}), num_pictures, num_classes),
            _index(_annotations(found, {"score": found.scores}), num_pictures, num_classes),
            "bbox",
        )
        evaluator.params.iouThrs = IOU_THRESHOLDS
        evaluator.params.maxDets = [max(len(found.labels), 1)]
        evaluator.params.areaRng, evaluator.params.areaRngLbl = [AREAS[area]], [area]
        evaluator.evaluate()
    by_class: list[list[Mapping[str, Any]]] = [[] for _ in range(num_classes)]
    for one in evaluator.evalImgs:
        if one is not None:  # neither a detection nor a true box of the class in the image
            by_class[one["category_id"]].append(one)
    limit = max(MAX_DETECTIONS, _most_of_a_class(truth))
    return [_gather(pictures, num_pictures, limit=limit) for pictures in by_class]


def _most_of_a_class(truth: TrueBoxes) -> int:
    """Return how many counted true boxes of one class the fullest image holds."""
    counted = np.column_stack([truth.pictures, truth.labels])[~truth.ignored]
    return int(np.unique(counted, axis=0, return_counts=True)[1].max(initial=0))


def _annotations(boxes: FoundBoxes | TrueBoxes, extra: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    placed = _corner_and_size(boxes.boxes)
    columns = {
        "id": np.arange(1, len(placed) + 1),  # pycocotools takes a match with id 0 for no match
        "image_id": boxes.pictures,
        "category_id": boxes.labels,
        "bbox": placed,
        "area": placed[:, 2] * placed[:, 3],
        **extra,
    }
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def _index(annotations: list[dict[str, Any]], num_pictures: int, num_classes: int) -> COCO:
    from pycocotools.coco import COCO  # here: only boxes need it

    index = COCO()
    index.dataset = {
        "images": [{"id": picture} for picture in range(num_pictures)],
        "categories": [{"id": label} for label in range(num_classes)],
        "annotations": annotations,
    }
    index.createIndex()
    return index


def _gather(pictures: Sequence[Mapping[str, Any]], num_pictures: int, *, limit: int) -> ClassMatches:
    """Put the matches of a class in all its images into one order of scores."""
    sizes = [len(one["dtIds"]) for one in pictures]
    scores = np.concatenate([np.zeros(0), *(one["dtScores"] for one in pictures)])
    order = np.argsort(-scores, kind="stable")

    def joined(key: str) -> np.ndarray:
        nothing = np.zeros((len(IOU_THRESHOLDS), 0))
        return np.concatenate([nothing, *(one[key] for one in pictures)], axis=1)[:, order]

    met, ignored = joined("dtMatches").astype(np.int64), joined("dtIgnore").astype(bool)
    hit = (met > 0) & ~ignored
    truths = np.zeros(num_pictures, np.int64)
    for one in pictures:
        truths[one["image_id"]] = np.count_nonzero(np.asarray(one["gtIgnore"]) == 0)
    rows = np.concatenate([np.zeros(0, np.int64), *(np.asarray(one["dtIds"], np.int64) - 1 for one in pictures)])
    places = np.concatenate([np.zeros(0, np.int64), *(np.arange(size) for size in sizes)])  # each by falling score
    return ClassMatches(
        rows=rows[order],
        pictures=np.repeat(np.array([one["image_id"] for one in pictures], np.int64), sizes)[order],
        scores=scores[order],
        hit=hit,
        counted=~ignored,
        truth=np.where(hit[0], met[0] - 1, -1),
        first=(places < limit)[order],
        truths=truths,
    )


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU (M, T) of boxes (M, 4) with others (T, 4), both x1 y1 x2 y2, to the bit as the matching sees it."""
    from pycocotools import mask as coco_mask  # here: only boxes need it

    if not len(boxes) or not len(others):
        return np.zeros((len(boxes), len(others)))
    shares = coco_mask.iou(_corner_and_size(boxes), _corner_and_size(others), [0] * len(others))
    return np.asarray(shares, np.float64)


def _corner_and_size(boxes: np.ndarray) -> np.ndarray:
    """X1 y1 width height (M, 4) in float64."""
    wide = np.asarray(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([wide[:, :2], wide[:, 2:] - wide[:, :2]], axis=1)
