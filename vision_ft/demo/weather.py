"""Light and weather of a moment, and what they and the sensor do to a finished image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from vision_ft.demo.cameras import Camera

Weather = Literal["sun", "overcast", "rain", "fog", "snow"]
_SUN_STRENGTH: dict[str, float] = {"sun": 0.75, "overcast": 0.0, "rain": 0.0, "fog": 0.0, "snow": 0.1}
_SKY: dict[str, tuple[int, int, int]] = {
    "sun": (150, 180, 215), "overcast": (190, 194, 198), "rain": (140, 146, 152), "fog": (200, 202, 203),
    "snow": (214, 217, 222),
}  # fmt: skip
_EXPOSURE: dict[str, float] = {"sun": 1.1, "overcast": 0.92, "rain": 0.85, "fog": 0.95, "snow": 1.0}


@dataclass(frozen=True)
class Light:
    """The light of one frame.

    Attributes:
        weather: of the day.
        sun: (3,) unit vector towards the sun.
        sun_strength: share of the light that comes from the sun.
        sky: colour mirrored by glass and wet ground.
        gain: (3,) factor of red, green and blue.
        is_night: whether only lamps light the lot.
        snow: 0..1, how white roofs are.
    """

    weather: Weather
    sun: np.ndarray
    sun_strength: float
    sky: tuple[int, int, int]
    gain: np.ndarray
    is_night: bool
    snow: float

    @property
    def shadow_alpha(self) -> int:
        """Opacity of a cast shadow."""
        return int(200 * self.sun_strength)

    def shade(self, normals: np.ndarray) -> np.ndarray:
        """Brightness (F,) of faces with normals (F, 3), where level ground has 1."""
        ambient = (1 - self.sun_strength) * (0.72 + 0.28 * normals[:, 2])
        direct = self.sun_strength * np.maximum(normals @ self.sun, 0.0)
        return np.minimum((ambient + direct) / (1 - self.sun_strength + self.sun_strength * self.sun[2]), 1.7)

    def cast(self, points: np.ndarray) -> np.ndarray:
        """Shadow (N, 2) on the ground of points (N, 3)."""
        return points[:, :2] - points[:, 2:] * (self.sun[:2] / max(self.sun[2], 0.25))


def draw_weather(camera: Camera, rng: np.random.Generator) -> Weather:
    """Choose a day's weather by how common each is where the camera hangs."""
    kinds = list(_SUN_STRENGTH)
    shares = np.array([camera.weather.get(kind, 0.0) for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]  # type: ignore[return-value]


def light_at(camera: Camera, weather: Weather, *, hour: float, rng: np.random.Generator) -> Light:
    """Light at an hour of the day: the sun's height and side, the drift of the white balance, the lamps at night."""
    azimuth = np.deg2rad(camera.north_degrees + 15 * (hour - 12))
    height = np.deg2rad(max(14.0, 58 * np.sin(np.pi * (hour - 5.5) / 14)))
    is_night = hour > camera.night_from
    warmth = camera.warmth + 0.04 * abs(hour - 13) / 5 + rng.normal(0, 0.02) + (0.12 if is_night else 0.0)
    exposure = camera.exposure * _EXPOSURE[weather] * np.exp(rng.normal(0, 0.08)) * (0.7 if is_night else 1.0)
    return Light(
        weather=weather,
        sun=np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)]),
        sun_strength=0.0 if is_night else _SUN_STRENGTH[weather] * float(rng.uniform(0.75, 1.0)),
        sky=(60, 58, 56) if is_night else _SKY[weather],
        gain=exposure * np.array([1 + warmth, 1.0, 1 - warmth]),
        is_night=is_night,
        snow=float(rng.uniform(0.3, 0.95)) if weather == "snow" else 0.0,
    )


def draw_falling(image: Image.Image, weather: Weather, rng: np.random.Generator) -> None:
    """Draw rain streaks or snow flakes over an image, in place."""
    width, height = image.size
    count = {"rain": 22, "snow": 30}.get(weather, 0) * width * height // 192**2
    pen = ImageDraw.Draw(image, "RGBA")
    for x, y, length in (rng.random((count, 3)) * [width, height, 1]).tolist():
        if weather == "rain":
            pen.line((x, y, x + 4 + 6 * length, y + 14 + 26 * length), fill=(205, 212, 220, 70), width=1)
        else:
            radius = 1 + 2.4 * length
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(246, 248, 252, 190))


def expose(
    image: Image.Image, camera: Camera, light: Light, *, distance_m: float, edge: float, rng: np.random.Generator
) -> Image.Image:
    """Turn a drawn image into what the sensor gives: haze, lens blur, white balance, vignette, contrast, noise.

    Args:
        image: drawn in even light.
        camera: whose lens and sensor it is.
        light: of the frame.
        distance_m: of the scene from the camera; fog hides what is far.
        edge: 0 at the centre of the frame, 1 in its corners.
        rng: of this image's noise.
    """
    softened = image.filter(ImageFilter.GaussianBlur(camera.blur_px)) if camera.blur_px > 0 else image
    pixels = np.asarray(softened, dtype=np.float32)
    veil = 1 - np.exp(-distance_m * (0.035 if light.weather == "fog" else 0.0015))
    pixels = pixels * (1 - veil) + np.asarray(light.sky, dtype=np.float32) * veil
    pixels = pixels * (light.gain * (1 - camera.vignette * edge**2)).astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(camera.saturation * (0.6 if light.is_night else 1.0))
    pixels = 118 + (pixels - 118) * np.float32(camera.contrast)
    noise = camera.noise * (1.5 if light.is_night else 1.0)
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(0.6 * noise)
    pixels += rng.standard_normal((*pixels.shape[:2], 1), dtype=np.float32) * np.float32(noise)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
