"""Large images in overlapping tiles: where the tiles lie, and how masks and boxes of tiles become one prediction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import batched_nms

from vision_ft.errors import RecipeError
from vision_ft.types import Detections

Box = tuple[int, int, int, int]

MAX_OVERLAP = 0.75  # beyond it each pixel is predicted more than 16 times
SAME_OBJECT_IOU = 0.5  # two tiles' boxes of one class that overlap so much are one object
CUT_SHARE = 0.01  # of a tile's side: a box that ends nearer to a border between tiles may be cut by it
CUT_PX = 2.0  # the least such distance
INSIDE_SHARE = 0.7  # of a cut box that lies in a whole one of another tile: the same object


@dataclass(frozen=True)
class TilePlan:
    """Tiles of one size that cover an image, row by row.

    Attributes:
        size: (H, W) of the image in pixels.
        tile: (h, w) of each tile.
        tops: first line of each row of tiles.
        lefts: first column of each tile of a row.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @property
    def boxes(self) -> list[Box]:
        """Tiles as x1 y1 x2 y2, row by row."""
        height, width = self.tile
        return [(left, top, left + width, top + height) for top in self.tops for left in self.lefts]

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)


def plan_whole(size: tuple[int, int]) -> TilePlan:
    """Return the plan of an image of `size` (H, W) that is predicted as a whole."""
    return TilePlan(size, size, (0,), (0,))


def plan_tiles(size: tuple[int, int], tile: tuple[int, int], *, overlap: float = 0.25) -> TilePlan:
    """Cover an image evenly with tiles.

    Args:
        size: (H, W) of the image in pixels.
        tile: (h, w) of a tile; a side that the image does not reach is the image's.
        overlap: share of a tile's side that neighbours have in common at least, in [0, 0.75].

    Raises:
        RecipeError: tile or overlap cannot be used.
    """
    if not 0 <= overlap <= MAX_OVERLAP:
        raise RecipeError(f"overlap: got {overlap}; allowed is a share of the tile from 0 to {MAX_OVERLAP}.")
    if min(tile) < 1:
        raise RecipeError(f"tile: got {tile[0]} x {tile[1]} pixels; a tile needs sides of 1 pixel and more.")
    height, width = (min(given, side) for given, side in zip(tile, size, strict=True))
    return TilePlan(size, (height, width), _starts(size[0], height, overlap), _starts(size[1], width, overlap))


def _starts(length: int, tile: int, overlap: float) -> tuple[int, ...]:
    step = max(math.floor(tile * (1 - overlap)), 1)
    count = math.ceil((length - tile) / step) + 1
    return tuple(int(start) for start in np.linspace(0, length - tile, count).round())


def blend_shares(plan: TilePlan, parts: Iterable[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Blend the probabilities of tiles, and return the class of each pixel and its probability.

    Where tiles overlap, each counts by a raised cosine that fades towards its own border, so that no seam shows. The
    weights of a pixel add up to 1. Memory is bounded: only the lines of one row of tiles are summed at a time, in
    float32; lines that no later tile reaches become classes at once. An image of 8000 x 8000 pixels with 2 classes in
    tiles of 512 takes 66 MB for the sums, and 320 MB for what is returned.

    Args:
        plan: where the tiles lie.
        parts: probabilities (K, h, w) of each tile, in the plan's order.

    Returns:
        class indices (H, W) uint8, and the probability (H, W) float32 of each.
    """
    rows = _weights(plan.tops, plan.tile[0], plan.size[0])
    columns = _weights(plan.lefts, plan.tile[1], plan.size[1])
    labels, confidence = np.empty(plan.size, dtype=np.uint8), np.empty(plan.size, dtype=np.float32)
    remaining = iter(parts)
    carried: Tensor | None = None  # lines that the row of tiles above has begun
    for top, following, row in zip(plan.tops, [*plan.tops[1:], plan.size[0]], rows, strict=True):
        band = _sum_row(remaining, plan, row[:, None] * columns[:, None, :], carried)
        done = following - top
        best, found = band[:, :done].max(dim=0)
        labels[top:following], confidence[top:following] = found.numpy(), best.numpy()
        carried = band[:, done:].clone()
    return labels, confidence


def _sum_row(parts: Iterable[Tensor], plan: TilePlan, weights: Tensor, carried: Tensor | None) -> Tensor:
    """Add up one row of tiles: (K, h, W) of all lines that it covers; `weights` (C, h, w) has one window a tile."""
    band: Tensor | None = None
    for left, weight, part in zip(plan.lefts, weights, parts, strict=False):  # the iterator goes on with the next row
        if band is None:
            band = torch.zeros(len(part), plan.tile[0], plan.size[1])
        band[:, :, left : left + plan.tile[1]] += part.cpu() * weight
    assert band is not None, "a row has at least one tile"
    if carried is not None:
        band[:, : carried.shape[1]] += carried
    return band


def _weights(starts: Sequence[int], tile: int, length: int) -> Tensor:
    """Return windows (len(starts), tile) that add up to 1 at each of `length` pixels; a lone one is exactly 1."""
    window = np.sin(np.pi * (np.arange(tile) + 0.5) / tile) ** 2
    total = np.zeros(length)
    for start in starts:
        total[start : start + tile] += window
    parts = [window / total[start : start + tile] for start in starts]
    return torch.from_numpy(np.stack(parts).astype(np.float32))


def merge_boxes(plan: TilePlan, parts: Iterable[Detections]) -> Detections:
    """Put the boxes of tiles together; of an object that several tiles saw, one box stays.

    A box that a tile's inner border may have cut is dropped where another tile has the object whole; of what still
    overlaps within a class the most certain stays (non-maximum suppression), as in SAHI (Akyon 2022, arXiv:2202.06934,
    sec. 3). We differ in dropping cut boxes first, because their scores may be higher. An object larger than the
    overlap may be whole in no tile; its parts then stay as they are.

    Args:
        plan: where the tiles lie.
        parts: boxes of each tile in its own pixels, in the plan's order; none that is too uncertain to be given, since
            it would take a certain one with it.

    Returns:
        boxes in pixels of the image, most certain first; of a single tile those of the tile.
    """
    found = list(parts)
    if len(found) == 1:
        return found[0]
    corners = torch.tensor(plan.boxes, dtype=torch.float32)
    counts = torch.tensor([len(one.scores) for one in found])
    tile_of = torch.repeat_interleave(torch.arange(len(found)), counts)
    shifts = corners[:, [0, 1, 0, 1]][tile_of]
    boxes = torch.cat([one.boxes.float().cpu() for one in found]) + shifts
    scores = torch.cat([one.scores.float().cpu() for one in found])
    labels = torch.cat([one.labels.cpu() for one in found])
    is_cut = _is_cut(boxes, corners[tile_of], plan)
    kept = (~_is_doubled(boxes, labels, tile_of, is_cut=is_cut)).nonzero()[:, 0]
    kept = kept[batched_nms(boxes[kept], scores[kept], labels[kept], SAME_OBJECT_IOU)]
    return Detections(boxes[kept], scores[kept], labels[kept])


def _is_cut(boxes: Tensor, tiles: Tensor, plan: TilePlan) -> Tensor:
    """Whether each box (M, 4) ends at a border of its tile (M, 4) that is no border of the image: (M,)."""
    height, width = plan.size
    near = torch.tensor([max(CUT_PX, CUT_SHARE * side) for side in (plan.tile[1], plan.tile[0])] * 2)
    inner = tiles != torch.tensor([0, 0, width, height])
    return (((boxes - tiles).abs() <= near) & inner).any(dim=1)


def _is_doubled(boxes: Tensor, labels: Tensor, tiles: Tensor, *, is_cut: Tensor) -> Tensor:
    """Whether each cut box lies for the most part in a whole one of its class that another tile saw: (M,)."""
    doubled = torch.zeros(len(boxes), dtype=torch.bool)
    for label in labels[is_cut].unique():
        cut, whole = ((chosen & (labels == label)).nonzero()[:, 0] for chosen in (is_cut, ~is_cut))
        low = torch.maximum(boxes[cut, None, :2], boxes[None, whole, :2])
        high = torch.minimum(boxes[cut, None, 2:], boxes[None, whole, 2:])
        common = (high - low).clamp(min=0).prod(dim=2)
        areas = (boxes[cut, 2:] - boxes[cut, :2]).prod(dim=1)
        inside = (common >= INSIDE_SHARE * areas[:, None]) & (tiles[cut, None] != tiles[None, whole])
        doubled[cut] = inside.any(dim=1)
    return doubled
