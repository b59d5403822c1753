"""What a camera's images look like as such: brightness, contrast, colour and sharpness of each image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# What the words of a shift speak of; the columns of CHANNEL_NAMES serve the colour matching.
LOOK_NAMES = (
    "brightness",
    "contrast",
    "warmth",
    "greenness",
    "saturation",
    "sharpness",
    "highlights",
    "shadows",
)
CHANNEL_NAMES = ("red mean", "green mean", "blue mean", "red contrast", "green contrast", "blue contrast")
PIXEL_NAMES = (*LOOK_NAMES, *CHANNEL_NAMES)

LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601, as Pillow's "L" has it
GREY_LEVEL = 1 / 255  # less contrast than one level of an 8-bit image is none
NEARLY_WHITE, NEARLY_BLACK = 250 / 255, 5 / 255  # a clipped sensor, less the noise that JPEG adds
MAX_GAIN = 4.0  # more would mostly lift the noise of a nearly flat image


def pixel_statistics(images: np.ndarray | Tensor) -> np.ndarray:
    """Describe each image by the numbers named in `PIXEL_NAMES`.

    Brightness is the mean luma and contrast its standard deviation. Warmth is red minus blue, greenness is green minus
    the mean of red and blue. Saturation is the mean of (highest minus lowest channel). Sharpness is the standard
    deviation of the Laplacian over that of the luma, so that a flat image is not called blurred. Highlights and
    shadows are the shares of nearly white and nearly black pixels. A "contrast" of a channel is its standard deviation.

    Args:
        images: (B, C, H, W) in [0, 1], not normalised; C is 3 (red, green, blue) or 1 (grey). All images that are
            compared must have one size, as sharpness depends on it.

    Returns:
        (B, P) float64, P = len(PIXEL_NAMES).
    """
    pixels = _as_numpy(images)
    if pixels.shape[1] == 1:
        pixels = np.repeat(pixels, 3, axis=1)
    means, contrasts = pixels.mean(axis=(2, 3)), pixels.std(axis=(2, 3))  # (B, 3) each
    luma = np.tensordot(pixels, LUMA, axes=(1, 0))  # (B, H, W)
    spread = luma.std(axis=(1, 2))
    look = (
        luma.mean(axis=(1, 2)),
        spread,
        means[:, 0] - means[:, 2],
        means[:, 1] - (means[:, 0] + means[:, 2]) / 2,
        (pixels.max(axis=1) - pixels.min(axis=1)).mean(axis=(1, 2)),
        _laplacian(luma).std(axis=(1, 2)) / np.maximum(spread, GREY_LEVEL),
        (luma >= NEARLY_WHITE).mean(axis=(1, 2)),
        (luma <= NEARLY_BLACK).mean(axis=(1, 2)),
    )
    return np.column_stack([*look, means, contrasts])


def _as_numpy(images: Any) -> np.ndarray:
    if hasattr(images, "detach"):  # a tensor, perhaps on another device
        images = images.detach().cpu().numpy()
    array = np.asarray(images, np.float64)
    assert array.ndim == 4, array.shape
    assert array.shape[1] in (1, 3), array.shape
    return array


def _laplacian(luma: np.ndarray) -> np.ndarray:
    """Four-neighbour Laplacian (B, H - 2, W - 2), or (B, 1, 1) zeros where the image is too small for it."""
    if min(luma.shape[1:]) < 3:
        return np.zeros((len(luma), 1, 1))
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    laplacian: np.ndarray = around - 4 * luma[:, 1:-1, 1:-1]
    return laplacian


def matching_transform(old_pixels: np.ndarray, new_pixels: np.ndarray) -> Callable[[Any], Any]:
    """Build a function that gives the new camera's images the colour and contrast of the old camera's.

    One gain and one offset for each channel, the same for all images, as another exposure or white balance of the
    camera would act (Reinhard et al. 2001, "Color Transfer between Images", in RGB and over whole sets). It cannot undo
    blur. Results are clipped to [0, 1].

    Args:
        old_pixels: (N, P) `pixel_statistics` of the old camera.
        new_pixels: (M, P) `pixel_statistics` of the new camera.

    Returns:
        A function from images (B, C, H, W) in [0, 1], array or tensor, to images of the same kind and shape.
    """
    first = PIXEL_NAMES.index("red mean")
    old, new = old_pixels[:, first:].mean(axis=0), new_pixels[:, first:].mean(axis=0)
    gain = np.ones(3)
    varied = new[3:] > GREY_LEVEL
    gain[varied] = np.clip(old[3:][varied] / new[3:][varied], 1 / MAX_GAIN, MAX_GAIN)
    offset = old[:3] - gain * new[:3]

    def match(images: Any) -> Any:
        scale, shift = _per_channel(gain, images), _per_channel(offset, images)
        return (images * scale + shift).clip(0.0, 1.0)

    return match


def _per_channel(values: np.ndarray, images: Any) -> Any:
    """(3,) -> (C, 1, 1) of the same kind as `images`; a grey image takes the mean of the three channels."""
    column = (values if images.shape[1] == 3 else values.mean(keepdims=True)).reshape(-1, 1, 1)
    if hasattr(images, "new_tensor"):
        return images.new_tensor(column)
    return column.astype(images.dtype)
