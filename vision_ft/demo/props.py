"""What stands about on a lot besides cars: people, trolleys, cones, posts, branches, and the shadows of trees."""

from __future__ import annotations

import numpy as np

from vision_ft.demo.scene import Bay, Canvas, Color
from vision_ft.demo.weather import Light

_CLOTHES: tuple[Color, ...] = ((40, 44, 58), (120, 36, 36), (190, 186, 176), (52, 70, 48), (70, 90, 140))


def draw_clutter(canvas: Canvas, bay: Bay, light: Light, rng: np.random.Generator) -> None:
    """Draw a pedestrian, a trolley or a cone somewhere on a bay."""
    spot = bay.center + rng.normal(0, [0.5, 1.0])
    kind = rng.choice(["person", "trolley", "cone"], p=[0.5, 0.3, 0.2])
    if light.sun_strength > 0.05:
        top = np.array([[*spot, 0.0], [*(spot + 0.15), 1.2], [*(spot - 0.15), 1.2]])
        canvas.ground_polygon(light.cast(top), (8, 10, 22, light.shadow_alpha))
    if kind == "person":
        _draw_person(canvas, spot, rng)
    elif kind == "trolley":
        _draw_trolley(canvas, spot, rng)
    else:
        _draw_cone(canvas, spot)


def draw_tree_shadow(canvas: Canvas, bay: Bay, light: Light, rng: np.random.Generator) -> None:
    """Darken parts of a bay as the crown of a tree does: many soft, overlapping leaves of shadow."""
    if light.sun_strength <= 0.05:
        return
    angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    middle = bay.center + rng.normal(0, 1.2, size=2)
    for _ in range(10):
        radius = rng.uniform(0.25, 0.9) * (1 + 0.25 * rng.standard_normal(9))
        blob = np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None]
        canvas.ground_polygon(blob + middle + rng.normal(0, 1.1, size=2), (8, 10, 20, light.shadow_alpha // 2))


def draw_post(canvas: Canvas, bay: Bay, rng: np.random.Generator) -> None:
    """Draw a lamp post at a corner of a bay, in front of what stands there."""
    foot = np.array([*bay.corners[int(rng.integers(4))], 0.0])
    shade = int(rng.integers(70, 170))
    canvas.line(np.stack([foot, foot + [0, 0, 7.0]]), (shade, shade, shade), width_m=0.16)


def draw_branches(canvas: Canvas, bay: Bay, rng: np.random.Generator) -> None:
    """Draw a bush or the end of a branch that hangs into the view of a bay."""
    root = np.array([*bay.corners[int(rng.integers(4))], 0.3])
    leaf = tuple(int(value) for value in np.array([78, 88, 40]) * rng.uniform(0.6, 1.3, size=3))
    tips = root + rng.normal(0, [0.7, 0.7, 0.5], size=(16, 3)) + [0, 0, 0.6]
    radii = rng.uniform(0.05, 0.2, size=16) * canvas.pixels_per_metre(root)
    start, *ends = canvas.view.project(np.stack([root, *tips])).tolist()
    width = max(1, round(0.035 * canvas.pixels_per_metre(root)))
    for (x, y), radius in zip(ends, radii.tolist(), strict=True):
        canvas.pen.line((*start, x, y), fill=(66, 54, 42, 200), width=width)
        canvas.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*leaf, 190))


def _draw_person(canvas: Canvas, spot: np.ndarray, rng: np.random.Generator) -> None:
    foot, scale = np.array([*spot, 0.0]), canvas.pixels_per_metre(np.array([*spot, 0.0]))
    x, y = canvas.view.project(foot[None])[0].tolist()
    coat, legs = (_CLOTHES[int(index)] for index in rng.integers(len(_CLOTHES), size=2))
    stride = 0.18 * scale * rng.uniform(0.2, 1)
    for side in (-1, 1):
        canvas.pen.line((x + side * stride, y, x, y - 0.85 * scale), fill=legs, width=max(1, round(0.17 * scale)))
    canvas.pen.ellipse((x - 0.24 * scale, y - 1.5 * scale, x + 0.24 * scale, y - 0.7 * scale), fill=coat)
    canvas.pen.ellipse((x - 0.12 * scale, y - 1.74 * scale, x + 0.12 * scale, y - 1.44 * scale), fill=(150, 112, 90))


def _draw_trolley(canvas: Canvas, spot: np.ndarray, rng: np.random.Generator) -> None:
    turn = rng.uniform(0, np.pi)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    base = np.array([[-0.45, -0.28], [0.45, -0.28], [0.45, 0.28], [-0.45, 0.28]]) @ axes + spot
    for height in (0.4, 0.6, 0.8, 1.0):
        ring = np.column_stack([base, np.full(4, height)])
        canvas.line(np.concatenate([ring, ring[:1]]), (168, 170, 174, 220), width_m=0.04)
    for corner in base:
        canvas.line(np.array([[*corner, 0.0], [*corner, 1.0]]), (120, 122, 126, 230), width_m=0.04)


def _draw_cone(canvas: Canvas, spot: np.ndarray) -> None:
    foot = np.array([*spot, 0.0])
    scale = canvas.pixels_per_metre(foot)
    x, y = canvas.view.project(foot[None])[0].tolist()
    canvas.pen.polygon((x - 0.2 * scale, y, x + 0.2 * scale, y, x, y - 0.75 * scale), fill=(214, 92, 34))
    canvas.pen.line(
        (x - 0.11 * scale, y - 0.34 * scale, x + 0.11 * scale, y - 0.34 * scale), fill=(236, 234, 228), width=3
    )
