"""How well the outlines of the classes are met: boundary pixels within a tolerance of the other mask's boundary."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.masks.metrics import counted_pixels, ratio

TOLERANCE = 0.008  # of the diagonal, as in DAVIS; Csurka 2013 takes 0.0075
MAX_KERNEL_RADIUS = 20  # pixels; the cost of a dilation grows with the area of its disk, a distance map's does not


def boundary_counts(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the boundary pixels of each class in one image, and those that the other mask meets.

    A boundary pixel is one with a neighbour (above, below, left or right) of another class. It is met when the other
    mask has a boundary pixel of its class within 0.8% of the diagonal, rounded up (Csurka et al. 2013, BMVC; the
    tolerance of Perazzi et al. 2016, CVPR, the DAVIS benchmark). The image's own edge is no boundary. Nor is a border
    with ignored pixels, since nobody knows where the class ends there: where a ribbon of ignored pixels parts all
    objects, as in Pascal VOC, there is no true boundary to meet.

    Args:
        truth: (H, W) class indices, -1 where ignored.
        predicted: (H, W) class indices; pixels outside 0..K-1 are ignored.
        num_classes: K.

    Returns:
        (K, 4) int64: met predicted, predicted, met true, true boundary pixels.

    Raises:
        DataError: the shapes differ, or the truth holds a value that is neither a class nor -1.
    """
    truth, predicted, counted = counted_pixels(truth, predicted, num_classes)
    radius = int(np.ceil(TOLERANCE * np.hypot(*truth.shape)))
    true_edges, predicted_edges = _edges(truth, counted), _edges(predicted, counted)
    counts = np.zeros((num_classes, 4), np.int64)
    for label in np.union1d(truth[true_edges], predicted[predicted_edges]):
        counts[label] = _met(true_edges & (truth == label), predicted_edges & (predicted == label), radius)
    return counts


def boundary_f(counts: np.ndarray) -> np.ndarray:
    """Boundary F-score (..., K) of counts (..., K, 4): the harmonic mean of the shares that are met.

    NaN for a class with neither a true nor a predicted boundary, 0 for one that has only one of them. Counts are summed
    over images before, so that long outlines weigh more than short ones; Csurka 2013 averages over images instead.
    """
    counts = np.asarray(counts, np.float64)
    precision, recall = ratio(counts[..., 0], counts[..., 1]), ratio(counts[..., 2], counts[..., 3])
    score = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
    return np.where(counts[..., 1] + counts[..., 3] > 0, score, np.nan)


def _met(true: np.ndarray, found: np.ndarray, radius: int) -> tuple[int, int, int, int]:
    """Count two boundaries (H, W) of a class, and what of each lies near the other, in the order of the columns."""
    box = _bounding_box(true | found)  # it holds every pixel of both sides
    true, found = true[box], found[box]
    met_found, met_true = found & _within(true, radius), true & _within(found, radius)
    return met_found.sum(), found.sum(), met_true.sum(), true.sum()


def _edges(labels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Which pixels (H, W) have a neighbour of another class, both of them counted."""
    edges = np.zeros(labels.shape, bool)
    for rows, valid, out in ((labels, counted, edges), (labels.T, counted.T, edges.T)):  # down, then across
        differs = (rows[1:] != rows[:-1]) & valid[1:] & valid[:-1]
        out[1:] |= differs
        out[:-1] |= differs
    return edges


def _bounding_box(region: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _within(pixels: np.ndarray, radius: int) -> np.ndarray:
    """Which pixels (H, W) lie at most `radius` px, as the crow flies, from one of `pixels`."""
    import cv2  # here: only masks need it

    if not pixels.any():  # cv2 does not say what the distance to nothing is
        return pixels
    if radius > MAX_KERNEL_RADIUS:
        return cv2.distanceTransform((~pixels).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= radius
    offsets = np.arange(-radius, radius + 1)
    disk = (np.hypot(*np.meshgrid(offsets, offsets)) <= radius).astype(np.uint8)
    return cv2.dilate(pixels.astype(np.uint8), disk) > 0
