"""The cameras of the drawn parking lots: viewpoint, climate, lens, sensor, and the look of their lot."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A camera and the lot below it.

    Attributes:
        eye: position in metres from the lot's centre; x along the rows, y across, z up.
        roll_degrees: how crooked it hangs.
        slant: shear of the bays, metres along the row a metre of depth.
        weather: kind of weather -> how common it is.
        north_degrees: direction of the sun at noon.
        night_from: hour from which lamps are the only light.
        warmth: added to red and taken from blue, as a share.
        exposure: factor of the brightness.
        contrast: factor around middle grey.
        saturation: factor of the colourfulness.
        vignette: share of the light lost in the corners.
        blur_px: radius of the lens blur in pixels of the final image.
        noise: standard deviation of the sensor's noise, of 255.
        jpeg_quality: of the stored images.
        asphalt: colour of the ground.
        paint: colour of the lines.
        worn: 0..1, how much of the lines is gone.
    """

    eye: tuple[float, float, float]
    roll_degrees: float
    slant: float
    weather: Mapping[str, float]
    north_degrees: float
    night_from: float
    warmth: float
    exposure: float
    contrast: float
    saturation: float
    vignette: float
    blur_px: float
    noise: float
    jpeg_quality: int
    asphalt: tuple[int, int, int]
    paint: tuple[int, int, int]
    worn: float


CAMERAS: dict[str, Camera] = {
    # High on a building, a good camera in a sunny place.
    "camera_a": Camera(
        eye=(-5.0, -21.0, 17.0), roll_degrees=1.0, slant=0.0,
        weather={"sun": 0.55, "overcast": 0.35, "rain": 0.1}, north_degrees=-70.0, night_from=19.0,
        warmth=0.04, exposure=1.02, contrast=1.05, saturation=1.05, vignette=0.15, blur_px=0.45, noise=3.0,
        jpeg_quality=88, asphalt=(112, 110, 107), paint=(224, 222, 214), worn=0.25,
    ),
    # Low on a lamp post beside slanted bays, a cheap camera in bad weather.
    "camera_b": Camera(
        eye=(-15.0, 12.0, 13.5), roll_degrees=-4.0, slant=0.35,
        weather={"sun": 0.3, "overcast": 0.25, "rain": 0.15, "fog": 0.15, "snow": 0.15}, north_degrees=40.0,
        night_from=17.8, warmth=-0.09, exposure=0.98, contrast=0.9, saturation=0.75, vignette=0.3, blur_px=0.7,
        noise=3.5, jpeg_quality=60, asphalt=(84, 86, 90), paint=(206, 176, 84), worn=0.5,
    ),
}  # fmt: skip


def camera_of(name: str) -> Camera:
    """Return a known camera, or one made up from the name, always the same for the same name."""
    if name in CAMERAS:
        return CAMERAS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(18, 24)
    grey, yellow = rng.uniform(75, 130), rng.random() < 0.4
    return Camera(
        eye=(distance * np.cos(angle), distance * np.sin(angle), rng.uniform(8, 18)),
        roll_degrees=rng.uniform(-5, 5),
        slant=float(rng.choice([0.0, 0.3, -0.4])),
        weather=dict(zip(("sun", "overcast", "rain", "fog", "snow"), rng.dirichlet([1.0] * 5), strict=True)),
        north_degrees=rng.uniform(0, 360),
        night_from=rng.uniform(17.0, 19.5),
        warmth=rng.uniform(-0.1, 0.1),
        exposure=rng.uniform(0.8, 1.15),
        contrast=rng.uniform(0.85, 1.1),
        saturation=rng.uniform(0.6, 1.1),
        vignette=rng.uniform(0, 0.4),
        blur_px=rng.uniform(0.3, 0.9),
        noise=rng.uniform(2, 8),
        jpeg_quality=int(rng.integers(50, 92)),
        asphalt=(int(grey), int(grey), int(grey * rng.uniform(0.93, 1.06))),
        paint=(206, 176, 84) if yellow else (222, 221, 216),
        worn=rng.uniform(0.1, 0.6),
    )
