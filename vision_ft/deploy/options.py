"""Prediction options, validated per task, and the tiling they imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from vision_ft.deploy.tiles import TilePlan, plan_tiles, plan_whole
from vision_ft.errors import RecipeError

Tile = bool | int | Literal["auto"]

AUTO_TILE = 1.5  # times a training image's side: larger images are shrunk to less than two thirds of its scale
OVERLAP = 0.25


@dataclass(frozen=True)
class Options:
    """What a person may ask of a prediction; None and False where they did not ask.

    Attributes:
        calibrated: classification: divide the logits by the temperature fitted on val.
        tile: masks and boxes: "auto" for tiles of the training images' size where an image is more than 1.5 times
            as large in a side, True for such tiles always, False for none, or the side of a tile in pixels.
        overlap: masks and boxes: share of a tile's side that neighbours have in common; 0.25.
        threshold: boxes: score from which on a box is given, for all classes; by default each class has its own, best
            on val.
        confidence: masks: also give the probability of each pixel's class.
    """

    calibrated: bool = False
    tile: Tile | None = None
    overlap: float | None = None
    threshold: float | None = None
    confidence: bool = False


def check_options(options: Options, *, task: str, takes: Sequence[str]) -> None:
    """Refuse options that mean nothing for a task, and values that cannot be.

    Raises:
        RecipeError: naming the option, and what is allowed.
    """
    for field in fields(options):
        if field.name not in takes and getattr(options, field.name) not in (None, False):
            raise RecipeError(f"{field.name}: a model for {task} does not take it. Allowed: {', '.join(takes)}.")
    tile = options.tile
    if isinstance(tile, str) and tile != "auto":
        raise RecipeError(f'tile: got "{tile}"; allowed: "auto", True, False, or the side of a tile in pixels.')
    side = 1 if tile is None or isinstance(tile, bool | str) else tile
    plan_tiles((1, 1), (side, side), overlap=_overlap(options))
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise RecipeError(f"threshold: got {options.threshold}; allowed is a score from 0 to 1.")


def choose_plan(size: tuple[int, int], options: Options, *, usual: tuple[int, int] | None) -> TilePlan:
    """Return the tiles of an image.

    Args:
        size: (H, W) of the image in pixels.
        options: `tile` and `overlap` are read.
        usual: (H, W) of a training image; None where the model does not say, and "auto" makes no tiles.

    Raises:
        RecipeError: tiles of the training images' size are asked for, which the model does not say.
    """
    tile = "auto" if options.tile is None else options.tile
    if not isinstance(tile, bool | str):
        return plan_tiles(size, (tile, tile), overlap=_overlap(options))
    if usual is None and tile is True:
        raise RecipeError("tile: the model does not say how large its training images were. Give a side in pixels.")
    if tile is False or usual is None:
        return plan_whole(size)
    is_large = any(side > AUTO_TILE * known for side, known in zip(size, usual, strict=True))
    return plan_tiles(size, usual, overlap=_overlap(options)) if is_large or tile is True else plan_whole(size)


def saved_image_size(extra: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the median (H, W) of the training images that a model folder states; None where it does not."""
    height, width = extra.get("picture_size") or (None, None)
    return None if height is None or width is None else (int(height), int(width))


def _overlap(options: Options) -> float:
    return OVERLAP if options.overlap is None else options.overlap
