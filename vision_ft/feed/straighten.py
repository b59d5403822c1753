"""Turn a region of a frame into an upright rectangular patch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from vision_ft.feed.regions import Point

MARGIN_PX = 2  # neighbours that the interpolation at the edge reads


def order_corners(points: Sequence[Point]) -> np.ndarray:
    """Order 4 corners as upper left, upper right, lower right, lower left of the patch.

    Files list corners from any start and in both directions. The order chosen never mirrors the image and turns it by
    the smallest angle, so that the patch shows the region as a person at the screen sees it.

    Args:
        points: 4 corners (x, y) in pixels, in order around a convex region.

    Returns:
        (4, 2) float64.
    """
    corners = np.asarray(points, dtype=np.float64)
    assert corners.shape == (4, 2), corners.shape
    following = np.roll(corners, -1, axis=0)
    if (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum() < 0:
        corners = corners[::-1]  # now clockwise on the screen: y points down
    turned = [np.roll(corners, -start, axis=0) for start in range(4)]
    # the corner's own place breaks the tie of a square that stands on its tip
    return min(turned, key=lambda quad: (round(-_uprightness(quad), 9), *quad[0][::-1]))


def _uprightness(quad: np.ndarray) -> float:
    """2 when the patch's axes are the frame's, less the more it is turned."""
    right = (quad[1] - quad[0]) + (quad[2] - quad[3])
    down = (quad[3] - quad[0]) + (quad[2] - quad[1])
    return float(right[0] / np.linalg.norm(right) + down[1] / np.linalg.norm(down))


def corners_of(points: Sequence[Point]) -> np.ndarray:
    """Return the 4 ordered corners (4, 2) of a region; for more points those of the smallest rectangle around it."""
    if len(points) == 4:
        return order_corners(points)
    box = cv2.boxPoints(cv2.minAreaRect(np.asarray(points, dtype=np.float32)))
    return order_corners([(float(x), float(y)) for x, y in box])


def straighten(image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Cut out a region and remove its perspective.

    An upright rectangle with whole-numbered corners comes out as the plain crop, bit by bit.

    Args:
        image: (H, W, 3) uint8.
        corners: (4, 2) from `corners_of`, in pixels.

    Returns:
        (h, w, 3) uint8, as wide and high as the means of the region's opposite sides. What lies outside the frame
        repeats its border.
    """
    width = max(1, round((math.dist(corners[0], corners[1]) + math.dist(corners[3], corners[2])) / 2))
    height = max(1, round((math.dist(corners[0], corners[3]) + math.dist(corners[1], corners[2])) / 2))
    # only the part around the region: OpenCV cannot warp frames of more than 32767 pixels a side
    left, top = (max(0, math.floor(value) - MARGIN_PX) for value in corners.min(axis=0))
    right, bottom = (math.ceil(value) + MARGIN_PX for value in corners.max(axis=0))
    part = image[min(top, image.shape[0] - 1) : bottom, min(left, image.shape[1] - 1) : right]
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    source = (corners - (min(left, image.shape[1] - 1), min(top, image.shape[0] - 1))).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return cv2.warpPerspective(part, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
