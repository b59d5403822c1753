"""The ground of a lot seen from straight above: asphalt, lines, stains, and what the day's weather leaves on it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vision_ft.demo.cameras import Camera
from vision_ft.demo.scene import MARGIN_M, Lot, View
from vision_ft.demo.weather import Weather

PIXELS_PER_METRE = 30  # about one pixel of a cut-out before it is scaled down
LINE_WIDTH_M = 0.14


def draw_ground(camera: Camera, lot: Lot, rng: np.random.Generator) -> Image.Image:
    """Draw what stays the same on all days; one pixel is 1/30 m, row 0 at y = 0."""
    width, height = (round(side * PIXELS_PER_METRE) for side in lot.size)
    tone = 1 + 0.05 * _clouds(width, height, 3, rng) + 0.045 * _clouds(width, height, 0.5, rng)
    tone += 0.05 * rng.standard_normal((height, width))
    asphalt = np.array(camera.asphalt) * tone[..., None]
    grass = np.array([74, 92, 48]) * (1 + 0.16 * _clouds(width, height, 0.3, rng))[..., None]
    rows = (np.arange(height) / PIXELS_PER_METRE)[:, None, None]
    is_grass = (rows < MARGIN_M - 0.9) | (rows > lot.size[1] - MARGIN_M + 0.9)
    image = Image.fromarray(np.clip(np.where(is_grass, grass, asphalt), 0, 255).astype(np.uint8))
    _draw_repairs(image, rng)
    _draw_lines(image, camera, lot, rng)
    _draw_stains(image, lot, rng)
    return image.filter(ImageFilter.GaussianBlur(0.6))


def add_weather(ground: Image.Image, weather: Weather, rng: np.random.Generator) -> Image.Image:
    """Return the ground as a day leaves it: wet with puddles, under snow with ruts, or with leaves."""
    width, height = ground.size
    pixels = np.asarray(ground, dtype=float)
    field = _clouds(width, height, 1.6, rng)[..., None]
    if weather == "rain":
        wet = pixels * 0.66
        sky = np.array([150, 156, 164]) * (1 + 0.1 * _clouds(width, height, 0.4, rng)[..., None])
        puddle = np.clip((field - 0.9) * 3, 0, 0.75)
        pixels = wet * (1 - puddle) + sky * puddle
    if weather == "snow":
        fine = _clouds(width, height, 0.25, rng)[..., None]
        cover = np.clip(0.55 + 0.45 * field + 0.2 * fine, 0, 0.95)
        pixels = pixels * (1 - cover) + np.array([226, 230, 236]) * (1 + 0.03 * fine) * cover
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if weather in ("sun", "overcast"):
        _scatter_leaves(image, rng)
    return image


def project_ground(ground: Image.Image, view: View, size: tuple[int, int]) -> Image.Image:
    """Show the ground as a view sees it, on an image (width, height)."""
    to_pixels = np.diag([PIXELS_PER_METRE, PIXELS_PER_METRE, 1.0])
    backwards = to_pixels @ np.linalg.inv(view.matrix[:, [0, 1, 3]])
    coefficients = (backwards / backwards[2, 2]).ravel()[:8].tolist()
    return ground.transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR, fillcolor=(88, 92, 80)
    )


def _clouds(width: int, height: int, grain_m: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise (height, width) of about unit size with blobs of `grain_m` metres."""
    cells = (max(2, round(height / grain_m / PIXELS_PER_METRE)), max(2, round(width / grain_m / PIXELS_PER_METRE)))
    coarse = Image.fromarray(rng.standard_normal(cells).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def _draw_lines(image: Image.Image, camera: Camera, lot: Lot, rng: np.random.Generator) -> None:
    """Paint the sides and the closed end of each bay, then wear the paint away in patches."""
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    width = round(LINE_WIDTH_M * PIXELS_PER_METRE)
    for bay in lot.bays:
        corners = [tuple(corner) for corner in (bay.corners * PIXELS_PER_METRE).tolist()]
        pen.line([corners[0], corners[3], corners[2], corners[1]], fill=255, width=width)
    kept = np.clip(1.15 - camera.worn + 0.5 * _clouds(*image.size, 0.35, rng), 0.08, 0.95)
    mask = Image.fromarray((np.asarray(mask) * kept).astype(np.uint8))
    image.paste(camera.paint, mask=mask)


def _draw_repairs(image: Image.Image, rng: np.random.Generator) -> None:
    """Newer, darker asphalt in rectangles, and cracks."""
    pen = ImageDraw.Draw(image, "RGBA")
    width, height = image.size
    for _ in range(6):
        x, y = rng.uniform(0, width), rng.uniform(0.2 * height, 0.8 * height)
        side = rng.uniform(0.5, 2.5, size=2) * PIXELS_PER_METRE
        pen.rectangle((x, y, x + side[0], y + side[1]), fill=(40, 40, 42, int(rng.integers(25, 80))))
    for _ in range(14):
        steps = rng.normal(0, 0.35 * PIXELS_PER_METRE, size=(9, 2)).cumsum(axis=0)
        points = steps + [rng.uniform(0, width), rng.uniform(0, height)]
        pen.line(points.ravel().tolist(), fill=(48, 47, 46, 150), width=1)


def _draw_stains(image: Image.Image, lot: Lot, rng: np.random.Generator) -> None:
    """Oil where engines stand: most bays have some, a few have a lot."""
    layer = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(layer)
    for bay in lot.bays:
        for _ in range(int(rng.integers(1, 6))):
            x, y = (bay.center + rng.normal(0, [0.5, 1.1])) * PIXELS_PER_METRE
            a, b = rng.uniform(0.08, 0.55, size=2) * PIXELS_PER_METRE
            pen.ellipse((x - a, y - b, x + a, y + b), fill=int(rng.integers(60, 190)))
    image.paste((34, 33, 34), mask=layer.filter(ImageFilter.GaussianBlur(3)))


def _scatter_leaves(image: Image.Image, rng: np.random.Generator) -> None:
    pen = ImageDraw.Draw(image)
    places = rng.random((int(rng.integers(0, 140)), 2)) * image.size
    for x, y in places.tolist():
        pen.ellipse((x, y, x + 3, y + 2), fill=(142, 104, 52))
