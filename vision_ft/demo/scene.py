"""The geometry of a drawn parking lot: bays on the ground in metres, a pinhole camera above, a canvas to draw on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

BAY_WIDTH_M, BAY_LENGTH_M = 2.5, 5.0
LANE_M = 6.0  # between the two rows
MARGIN_M = 6.0  # of ground around the bays
FRAME_WIDTH, FRAME_HEIGHT = 640, 360
BAY_TOP_M = 1.25  # height of the box that a cut-out encloses: most of a car

Color = tuple[int, ...]


@dataclass(frozen=True)
class Bay:
    """One parking space.

    Attributes:
        corners: (4, 2) on the ground in metres: near left, near right, far right, far left, seen from the lane.
        center: (2,) in metres.
        yaw: direction from the open end to the closed end, radians from the x axis.
    """

    corners: np.ndarray
    center: np.ndarray
    yaw: float


@dataclass(frozen=True)
class Lot:
    """Two rows of bays that face one lane; x runs along the rows.

    Attributes:
        bays: row by row.
        size: (width, depth) of the ground in metres.
    """

    bays: tuple[Bay, ...]
    size: tuple[float, float]


def build_lot(num_bays: int, *, slant: float) -> Lot:
    """Lay out bays in two rows, sheared by `slant` (metres along the row a metre of depth)."""
    per_row = (num_bays + 1) // 2
    depth = 2 * MARGIN_M + 2 * BAY_LENGTH_M + LANE_M
    offset = MARGIN_M + max(0.0, -slant) * BAY_LENGTH_M
    bays = []
    for index in range(num_bays):
        column, is_upper = index % per_row, index >= per_row
        open_y = MARGIN_M + BAY_LENGTH_M + (LANE_M if is_upper else 0.0)
        closed_y = open_y + (BAY_LENGTH_M if is_upper else -BAY_LENGTH_M)
        left, shift = offset + column * BAY_WIDTH_M, slant * (closed_y - open_y)
        corners = np.array(
            [
                [left, open_y],
                [left + BAY_WIDTH_M, open_y],
                [left + BAY_WIDTH_M + shift, closed_y],
                [left + shift, closed_y],
            ]
        )
        bays.append(Bay(corners, corners.mean(axis=0), float(np.arctan2(closed_y - open_y, shift))))
    width = 2 * MARGIN_M + per_row * BAY_WIDTH_M + abs(slant) * BAY_LENGTH_M
    return Lot(tuple(bays), (width, depth))


@dataclass(frozen=True)
class View:
    """A pinhole camera.

    Attributes:
        matrix: (3, 4) from metres to homogeneous pixels.
        eye: (3,) position in metres.
    """

    matrix: np.ndarray
    eye: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Map points (N, 3) in metres to pixels (N, 2)."""
        homogeneous = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        return homogeneous[:, :2] / homogeneous[:, 2:]

    def window(self, box: Sequence[float], size: tuple[int, int]) -> View:
        """Return the view whose whole canvas (width, height) shows the box x1 y1 x2 y2 of this one."""
        x1, y1, x2, y2 = box
        scale_x, scale_y = size[0] / (x2 - x1), size[1] / (y2 - y1)
        crop = np.array([[scale_x, 0, -x1 * scale_x], [0, scale_y, -y1 * scale_y], [0, 0, 1]])
        return replace(self, matrix=crop @ self.matrix)


def look_at(lot: Lot, *, eye: Sequence[float], roll_degrees: float = 0.0) -> View:
    """Aim a camera at the lot from `eye` (metres from the lot's centre) with the longest focus that shows all bays."""
    target = np.array([lot.size[0] / 2, lot.size[1] / 2, 0.0])
    position = target + np.asarray(eye, dtype=float)
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = np.deg2rad(roll_degrees)
    axes = np.stack([np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward])
    extrinsic = np.column_stack([axes, -axes @ position])
    corners = np.concatenate([_box_corners(bay) for bay in lot.bays])
    seen = View(extrinsic, position).project(corners)
    low, high = seen.min(axis=0), seen.max(axis=0)
    focal = min(0.94 * FRAME_WIDTH / (high[0] - low[0]), 0.9 * FRAME_HEIGHT / (high[1] - low[1]))
    middle = (low + high) / 2
    intrinsic = np.array(
        [[focal, 0, FRAME_WIDTH / 2 - focal * middle[0]], [0, focal, FRAME_HEIGHT / 2 - focal * middle[1]], [0, 0, 1]]
    )
    return View(intrinsic @ extrinsic, position)


def bay_box(view: View, bay: Bay) -> tuple[float, float, float, float]:
    """Return x1 y1 x2 y2 in pixels around a bay and most of the height of a car on it."""
    seen = view.project(_box_corners(bay))
    (x1, y1), (x2, y2) = seen.min(axis=0), seen.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)


def _box_corners(bay: Bay) -> np.ndarray:
    ground = np.column_stack([bay.corners, np.zeros(4)])
    return np.concatenate([ground, ground + [0.0, 0.0, BAY_TOP_M]])


class Canvas:
    """An image that is drawn on in metres; fills may carry alpha."""

    def __init__(self, image: Image.Image, view: View) -> None:
        self.image = image
        self.view = view
        self.pen = ImageDraw.Draw(image, "RGBA")

    def polygon(self, points: np.ndarray, fill: Color) -> None:
        """Fill the polygon of points (N, 3) in metres."""
        self.pen.polygon(self.view.project(points).ravel().tolist(), fill=fill)

    def line(self, points: np.ndarray, fill: Color, *, width_m: float) -> None:
        """Draw a line through points (N, 3), about `width_m` metres thick where it starts."""
        seen = self.view.project(points)
        width = max(1, round(width_m * self.pixels_per_metre(points[0])))
        self.pen.line(seen.ravel().tolist(), fill=fill, width=width)

    def ground_polygon(self, points: np.ndarray, fill: Color) -> None:
        """Fill the polygon of ground points (N, 2) in metres."""
        self.polygon(np.column_stack([points, np.zeros(len(points))]), fill)

    def pixels_per_metre(self, point: np.ndarray) -> float:
        """Height in pixels of one upright metre at a point (3,)."""
        low, high = self.view.project(np.stack([point, point + [0.0, 0.0, 1.0]]))
        return float(np.hypot(*(high - low)))
