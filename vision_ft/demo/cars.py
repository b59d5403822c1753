"""Cars of several bodies as small polygon meshes, shaded by the light that falls on each face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from vision_ft.demo.scene import Canvas, Color
from vision_ft.demo.weather import Light


@dataclass(frozen=True)
class Body:
    """Measures of a car body in metres; fractions run from -0.5 (tail) to 0.5 (nose) of the length.

    Attributes:
        length: of the car.
        width: of the car.
        stations: (fraction of the length, height of the top, share of the width) from tail to nose.
        cabin: fractions of the length: base rear, base front, roof rear, roof front.
        belt: height of the lower edge of the windows.
        roof: height of the roof.
        roof_width: share of the width that the roof has.
    """

    length: float
    width: float
    stations: tuple[tuple[float, float, float], ...]
    cabin: tuple[float, float, float, float]
    belt: float
    roof: float
    roof_width: float = 0.78


BODIES: dict[str, Body] = {
    "sedan": Body(
        4.5, 1.78,
        ((-0.5, 0.74, 0.84), (-0.47, 0.93, 0.94), (-0.3, 0.97, 1.0), (0.17, 0.96, 1.0), (0.42, 0.8, 0.95),
         (0.5, 0.6, 0.82)),
        (-0.35, 0.21, -0.18, 0.06), 0.95, 1.44,
    ),
    "hatchback": Body(
        3.9, 1.7,
        ((-0.5, 0.84, 0.88), (-0.47, 1.0, 0.96), (0.18, 1.0, 1.0), (0.42, 0.84, 0.95), (0.5, 0.62, 0.84)),
        (-0.49, 0.25, -0.38, 0.06), 0.98, 1.5,
    ),
    "suv": Body(
        4.5, 1.85,
        ((-0.5, 0.95, 0.92), (-0.48, 1.1, 0.97), (0.2, 1.1, 1.0), (0.44, 1.0, 0.97), (0.5, 0.74, 0.9)),
        (-0.49, 0.23, -0.42, 0.07), 1.08, 1.72, 0.82,
    ),
    "van": Body(
        4.9, 1.9,
        ((-0.5, 1.1, 0.96), (-0.48, 1.16, 1.0), (0.34, 1.12, 1.0), (0.46, 0.95, 0.95), (0.5, 0.7, 0.9)),
        (-0.5, 0.41, -0.48, 0.2), 1.12, 2.05, 0.9,
    ),
    "pickup": Body(
        5.1, 1.85,
        ((-0.5, 0.94, 0.95), (-0.48, 1.03, 1.0), (0.2, 1.05, 1.0), (0.44, 0.98, 0.96), (0.5, 0.74, 0.9)),
        (-0.12, 0.22, -0.07, 0.08), 1.03, 1.74,
    ),
}  # fmt: skip

PAINTS: tuple[tuple[Color, float], ...] = (  # colour and how common it is; the greys of asphalt are meant to be hard
    ((232, 232, 230), 0.17), ((196, 199, 202), 0.15), ((150, 153, 156), 0.12), ((104, 105, 106), 0.11),
    ((70, 72, 75), 0.08), ((34, 35, 38), 0.13), ((160, 28, 30), 0.07), ((92, 24, 30), 0.03), ((44, 78, 140), 0.05),
    ((28, 38, 70), 0.04), ((58, 82, 66), 0.02), ((176, 160, 132), 0.02), ((196, 162, 40), 0.01),
)  # fmt: skip
_FIXED: dict[str, Color] = {
    "tyre": (24, 24, 25), "rim": (120, 122, 124), "dark": (38, 39, 41), "head": (226, 226, 214),
    "tail": (150, 26, 24), "glass": (30, 36, 42), "plate": (214, 212, 200), "bed": (46, 46, 47),
}  # fmt: skip


@dataclass(frozen=True)
class Mesh:
    """Faces in the order they are painted; the hidden ones are left out by their normals.

    Attributes:
        vertices: (V, 3) in metres, the nose towards +x.
        spans: first and last vertex of each face.
        normals: (F, 3) outward.
        centers: (F, 3).
        materials: name of each face's colour.
        outline: (P, 3) vertices whose shadow is the car's.
    """

    vertices: np.ndarray
    spans: tuple[tuple[int, int], ...]
    normals: np.ndarray
    centers: np.ndarray
    materials: tuple[str, ...]
    outline: np.ndarray


@dataclass(frozen=True)
class Car:
    """A parked car: its body, colour and pose (metres and radians on the ground)."""

    kind: str
    paint: Color
    x: float
    y: float
    yaw: float


def draw_car(canvas: Canvas, car: Car, light: Light) -> None:
    """Paint one car, its visible faces only."""
    mesh = build_mesh(car.kind)
    turn = _rotation(car.yaw)
    offset = np.array([car.x, car.y, 0.0])
    seen = canvas.view.project(mesh.vertices @ turn.T + offset)
    normals = mesh.normals @ turn.T
    to_eye = canvas.view.eye - (mesh.centers @ turn.T + offset)
    visible = np.einsum("fc,fc->f", normals, to_eye) > 0
    shades = light.shade(normals)
    points = seen.tolist()
    for face in np.flatnonzero(visible).tolist():
        first, last = mesh.spans[face]
        fill = _face_color(mesh.materials[face], car.paint, float(shades[face]), float(normals[face, 2]), light)
        canvas.pen.polygon([value for point in points[first:last] for value in point], fill=fill)


def draw_shadow(canvas: Canvas, car: Car, light: Light) -> None:
    """Darken the ground under and beside a car."""
    outline = build_mesh(car.kind).outline @ _rotation(car.yaw).T + [car.x, car.y, 0.0]
    body = BODIES[car.kind]
    for grow, alpha in ((1.14, 55), (1.04, 70), (0.94, 90)):  # contact shadow: no sky is seen from under a car
        half = np.array([body.length, body.width]) / 2 * grow
        corners = half * [[-1, -0.8], [-0.9, -1], [0.9, -1], [1, -0.8], [1, 0.8], [0.9, 1], [-0.9, 1], [-1, 0.8]]
        canvas.ground_polygon(corners @ _rotation(car.yaw)[:2, :2].T + [car.x, car.y], (0, 0, 0, alpha))
    if light.sun_strength > 0.05:
        canvas.ground_polygon(_hull(light.cast(outline)), (8, 10, 22, light.shadow_alpha))


def draw_reflection(canvas: Canvas, car: Car) -> None:
    """Mirror a car in wet ground, as a faint stain of its colour."""
    outline = build_mesh(car.kind).outline @ _rotation(car.yaw).T + [car.x, car.y, 0.0]
    seen = canvas.view.project(outline * [1.0, 1.0, -0.8])
    canvas.pen.polygon(_hull(seen).ravel().tolist(), fill=(*car.paint, 60))


def _face_color(material: str, paint: Color, shade: float, up: float, light: Light) -> Color:
    base: tuple[float, ...] = _FIXED.get(material, paint)
    shine = 0.0
    if material == "glass":
        shine = 0.22 + 0.3 * max(up, 0.0)  # the flatter a pane lies, the more sky it mirrors
    if material == "paint":
        shine = 0.1 * max(up, 0.0)
        snow = light.snow if up > 0.5 else 0.0
        base = tuple(value + (244 - value) * snow for value in base)
    lit = [(1 - shine) * value * shade + shine * sky for value, sky in zip(base, light.sky, strict=True)]
    return tuple(min(255, int(value)) for value in lit)


@cache
def build_mesh(kind: str) -> Mesh:
    """Build the mesh of a body: hull, wheels and lamps, then the cabin, then its windows."""
    body = BODIES[kind]
    faces: list[tuple[np.ndarray, str, np.ndarray]] = []
    _add_hull(faces, body)
    _add_wheels_and_lamps(faces, body)
    if kind == "pickup":
        x1, x2, y = -0.46 * body.length, body.cabin[0] * body.length, 0.42 * body.width
        bed = np.array([[x1, -y, 1.04], [x2, -y, 1.04], [x2, y, 1.04], [x1, y, 1.04]])
        faces.append((bed, "bed", np.zeros(3)))
    _add_cabin(faces, body)
    corners = [points for points, _, _ in faces]
    ends = np.cumsum([len(points) for points in corners]).tolist()
    normals = np.stack([_outward(points, middle) for points, _, middle in faces])
    vertices = np.concatenate(corners)
    is_outline = np.concatenate([np.full(len(points), material == "paint") for points, material, _ in faces])
    return Mesh(
        vertices=vertices,
        spans=tuple(zip([0, *ends[:-1]], ends, strict=True)),
        normals=normals,
        centers=np.stack([points.mean(axis=0) for points in corners]),
        materials=tuple(material for _, material, _ in faces),
        outline=np.unique(vertices[is_outline].round(3), axis=0),
    )


def _add_hull(faces: list[tuple[np.ndarray, str, np.ndarray]], body: Body) -> None:
    middle = np.array([0.0, 0.0, 0.55])
    rings = []
    for x, top, share in body.stations:
        y = share * body.width / 2
        ring = [[-y, 0.22], [-y, top], [y, top], [y, 0.22]]
        rings.append(np.column_stack([np.full(4, x * body.length), ring]))
    for near, far in zip(rings, rings[1:], strict=False):
        for a, b in ((0, 1), (2, 3), (1, 2)):
            faces.append((np.stack([near[a], near[b], far[b], far[a]]), "paint", middle))
    faces.append((rings[0], "paint", middle))
    faces.append((rings[-1], "paint", middle))


def _add_wheels_and_lamps(faces: list[tuple[np.ndarray, str, np.ndarray]], body: Body) -> None:
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    for x in (-0.31, 0.31):
        for side in (-1, 1):
            for radius, material in ((0.33, "tyre"), (0.19, "rim")):
                circle = np.column_stack([np.cos(angles), np.zeros(10), np.sin(angles)]) * radius
                faces.append(
                    (circle + [x * body.length, side * body.width / 2, 0.33], material, np.array([0, 0, 0.33]))
                )
    half = body.width / 2
    for end, lamp, share in ((-1, "tail", body.stations[0]), (1, "head", body.stations[-1])):
        x, top, wide = end * (body.length / 2 + 0.01), share[1], share[2] * half
        for y1, y2, z1, z2, material in (
            (-wide, wide, 0.22, 0.42, "dark"),
            (-wide, -0.6 * wide, top - 0.2, top - 0.04, lamp),
            (0.6 * wide, wide, top - 0.2, top - 0.04, lamp),
            (-0.28, 0.28, 0.44, 0.56, "plate"),
        ):
            quad = np.array([[x, y1, z1], [x, y2, z1], [x, y2, z2], [x, y1, z2]])
            faces.append((quad, material, np.zeros(3)))


def _add_cabin(faces: list[tuple[np.ndarray, str, np.ndarray]], body: Body) -> None:
    base_rear, base_front, roof_rear, roof_front = (value * body.length for value in body.cabin)
    low, high = 0.97 * body.width / 2, body.roof_width * body.width / 2
    z1, z2 = body.belt, body.roof
    middle = np.array([(base_rear + base_front) / 2, 0.0, (z1 + z2) / 2])
    ends = [
        np.array([[base, -low, z1], [base, low, z1], [roof, high, z2], [roof, -high, z2]])
        for base, roof in ((base_rear, roof_rear), (base_front, roof_front))
    ]
    sides = [
        np.array([[base_rear, low, z1], [base_front, low, z1], [roof_front, high, z2], [roof_rear, high, z2]])
        * [1, side, 1]
        for side in (-1, 1)
    ]
    roof = np.array([[roof_rear, -high, z2], [roof_front, -high, z2], [roof_front, high, z2], [roof_rear, high, z2]])
    faces.extend((quad, "paint", middle) for quad in [*ends, *sides, roof])
    faces.extend((_inset(quad, 0.06, 0.94, 0.08, 0.93), "glass", middle) for quad in ends)
    for quad in sides:
        faces.append((_inset(quad, 0.08, 0.5, 0.1, 0.86), "glass", middle))
        faces.append((_inset(quad, 0.54, 0.93, 0.1, 0.86), "glass", middle))


def _inset(quad: np.ndarray, u1: float, u2: float, v1: float, v2: float) -> np.ndarray:
    """The part of a quad between two shares along its base and two of its height."""
    a, b, c, d = quad
    shares = ((u1, v1), (u2, v1), (u2, v2), (u1, v2))
    return np.stack([(1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c) for u, v in shares])


def _outward(points: np.ndarray, middle: np.ndarray) -> np.ndarray:
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal = normal / np.linalg.norm(normal)
    return normal if normal @ (points.mean(axis=0) - middle) > 0 else -normal


def _rotation(yaw: float) -> np.ndarray:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _hull(points: np.ndarray) -> np.ndarray:
    """Convex hull of points (N, 2) by Andrew's monotone chain."""
    ordered = sorted(map(tuple, points.tolist()))
    halves: list[list[tuple[float, ...]]] = []
    for sequence in (ordered, ordered[::-1]):
        half: list[tuple[float, ...]] = []
        for x, y in sequence:
            while len(half) > 1 and _turns_right(half[-2], half[-1], (x, y)):
                half.pop()
            half.append((x, y))
        halves.append(half[:-1])
    return np.array(halves[0] + halves[1])


def _turns_right(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 0
