"""Resizing with Pillow inside albumentations, so that training images are as smooth as evaluated ones."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it calls home at import otherwise

import albumentations as A
import cv2
import numpy as np
import torch
from PIL import Image
from timm.data.transforms_factory import transforms_imagenet_eval

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(image: np.ndarray, size: tuple[int, int], *, box: tuple[int, int, int, int], filter_name: str) -> np.ndarray:
    """Resize the part `box` (x1 y1 x2 y2) of an (H, W, C) uint8 image to `size` (h, w), antialiased."""
    height, width = size
    if image.ndim == 3 and image.shape[2] != 3:
        # Pillow knows no image of n channels: one at a time, and the channel axis stays for one channel too.
        planes = [resize(image[:, :, c], size, box=box, filter_name=filter_name) for c in range(image.shape[2])]
        return np.stack(planes, axis=2)
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(picture.resize((width, height), FILTERS[filter_name], box=box))


class RandomResizedCrop(A.RandomResizedCrop):
    """albumentations' crop with Pillow's antialiased filter for the image; masks stay nearest, boxes are the same.

    cv2 shrinks without antialias, or with a box filter (INTER_AREA); evaluation uses Pillow, and a network notices.
    """

    def __init__(
        self, size: tuple[int, int], *, scale: tuple[float, float], ratio: tuple[float, float], filter_name: str
    ) -> None:
        # INTER_NEAREST takes corners where Pillow takes centres, which would shift masks by half a pixel.
        super().__init__(size=size, scale=scale, ratio=ratio, mask_interpolation=cv2.INTER_NEAREST_EXACT)
        self.filter_name = filter_name

    def apply(self, img: np.ndarray, crop_coords: tuple[int, int, int, int], **_params: Any) -> np.ndarray:
        """Cut the box out of the image and resize it."""
        return resize(img, self.size, box=crop_coords, filter_name=self.filter_name)


class EvalGeometry(A.DualTransform):
    """timm's evaluation resize and crop, pixel for pixel, that also moves masks and boxes."""

    _targets = (A.core.type_definitions.Targets.IMAGE, A.core.type_definitions.Targets.MASK,
                A.core.type_definitions.Targets.BBOXES)  # fmt: skip

    def __init__(self, size: tuple[int, int], *, crop_pct: float, crop_mode: str, filter_name: str) -> None:
        super().__init__(p=1)
        self.size, self.crop_pct, self.crop_mode, self.filter_name = size, crop_pct, crop_mode, filter_name

    def apply(self, img: np.ndarray, **_params: Any) -> np.ndarray:
        """Resize and crop the image (H, W, C)."""
        return self._run(img, self.filter_name)

    def apply_to_mask(self, mask: np.ndarray, **_params: Any) -> np.ndarray:
        """Resize and crop the mask (H, W) without mixing its values."""
        return self._run(mask[:, :, None], "nearest")[:, :, 0]

    def apply_to_bboxes(self, bboxes: np.ndarray, **params: Any) -> np.ndarray:
        """Move boxes given as shares of the image."""
        height, width = params["shape"][:2]
        scaled_h, scaled_w = self._scaled(height, width)
        top, left = round((scaled_h - self.size[0]) / 2), round((scaled_w - self.size[1]) / 2)
        moved = bboxes.astype(np.float64)
        moved[:, [0, 2]] = (moved[:, [0, 2]] * scaled_w - left) / self.size[1]
        moved[:, [1, 3]] = (moved[:, [1, 3]] * scaled_h - top) / self.size[0]
        return moved

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        target_h, target_w = (int(side / self.crop_pct) for side in self.size)
        if self.crop_mode == "squash":
            return target_h, target_w
        ratios = height / target_h, width / target_w
        ratio = max(ratios) if self.crop_mode == "border" else min(ratios)
        if self.crop_mode == "center" and target_h == target_w:  # torchvision cuts the long side, timm rounds it
            return (
                (int(target_h * height / width), target_w)
                if height > width
                else (target_h, int(target_w * width / height))
            )
        return round(height / ratio), round(width / ratio)

    def _run(self, image: np.ndarray, filter_name: str) -> np.ndarray:
        transform = transforms_imagenet_eval(
            self.size, crop_pct=self.crop_pct, crop_mode=self.crop_mode, interpolation=filter_name, normalize=False,
            mean=(0.0,) * image.shape[2], std=(1.0,) * image.shape[2],
        )  # fmt: skip
        if image.shape[2] in (1, 3) and image.dtype == np.uint8:
            picture: Any = Image.fromarray(image if image.shape[2] == 3 else image[:, :, 0])
        else:
            picture = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return transform(picture).numpy().transpose(1, 2, 0)
