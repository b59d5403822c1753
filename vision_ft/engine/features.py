"""Frozen work done once: pooled features on disk, keyed by weights, preprocessing and image content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors
from torch import Tensor

from vision_ft.engine.runtime import Runtime
from vision_ft.engine.signals import StopRequest, Terminated
from vision_ft.files import write_atomic
from vision_ft.types import Batch, Target

PART_ROWS = 2048  # of vectors; a few MB


@dataclass(frozen=True)
class Part:
    """One file of a cache.

    Attributes:
        file: where it lies.
        hashes: what its rows belong to.
        rows: gives rows (M, D) for a slice, or one (D,) for a number, from disk at each call.
    """

    file: Path
    hashes: list[str]
    rows: Any


class PartFolder:
    """A folder of parts for one backbone, one preprocessing and one view.

    A part is a safetensors file of rows (N, D) with the content hashes of their images in its metadata. New images
    are appended as new parts, so a data set that grew by ten images costs ten forward passes.

    Args:
        root: the cache's folder.
        kind: what the rows are; the name of the folder below `root`.
        key: whatever decides the rows beside the image itself; any difference is another folder.
        dtype: number format of the rows on disk.
        part_rows: a part is written after so many rows: an interrupted extraction goes on from there.
    """

    def __init__(
        self, root: Path, key: dict[str, Any], *, kind: str, dtype: str = "float32", part_rows: int = PART_ROWS
    ) -> None:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:24]
        self.folder = root / kind / digest
        self.dtype, self.part_rows = np.dtype(dtype), part_rows

    def parts(self) -> Iterator[Part]:
        """Open all parts, oldest first; a damaged one is removed, since it is only lost work."""
        for file in sorted(self.folder.glob("*.safetensors")):
            try:
                with safe_open(file, framework="numpy") as part:
                    opened = Part(file, json.loads(part.metadata()["hashes"]), part.get_slice("features"))
                    is_whole = opened.rows.get_shape()[0] == len(opened.hashes)
            except (SafetensorError, KeyError, TypeError, ValueError, OSError):
                is_whole = False
            if is_whole:
                yield opened
            else:
                file.unlink(missing_ok=True)

    def add(self, hashes: Sequence[str], rows: np.ndarray) -> None:
        """Write one more part; parts are numbered, so that the oldest row of an image always wins."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self.folder.glob("*.safetensors"))
        name = f"{number:06d}-{hashlib.sha256(''.join(hashes).encode()).hexdigest()[:16]}.safetensors"
        tensors = {"features": np.ascontiguousarray(rows, dtype=self.dtype)}
        write_atomic(self.folder / name, to_safetensors(tensors, {"hashes": json.dumps(list(hashes))}))


class FeatureCache(PartFolder):
    """A folder of feature vectors.

    Args:
        root: the cache's folder.
        key: whatever decides the vectors beside the image itself; any difference is another folder.
    """

    def __init__(self, root: Path, key: dict[str, Any]) -> None:
        super().__init__(root, key, kind="features")

    def load(self, hashes: Sequence[str]) -> tuple[np.ndarray | None, np.ndarray]:
        """Return what is known of the images: vectors (N, D) with rows for unknown ones unset, and a mask (N,)."""
        wanted: dict[str, list[int]] = {}
        for row, value in enumerate(hashes):
            wanted.setdefault(value, []).append(row)
        known = np.zeros(len(hashes), dtype=bool)
        vectors: np.ndarray | None = None
        for part in self.parts():
            stored = part.rows[:]
            if vectors is None:
                vectors = np.zeros((len(hashes), stored.shape[1]), dtype=np.float32)
            for position, value in enumerate(part.hashes):
                rows = wanted.get(value)
                if rows and not known[rows[0]]:  # the first part wins: the same image never changes its vector
                    vectors[rows] = stored[position]
                    known[rows] = True
        return vectors, known


@dataclass(frozen=True)
class FeatureWork:
    """How missing features are computed.

    Attributes:
        compute: images (B, C, H, W) on the device -> features (B, D).
        load: positions (M,) into the list of hashes -> batches of those images in that order.
        runtime: the processes share the work.
        stop: a request to end is honoured between batches.
        on_batch: told the number of images done, for a progress bar.
    """

    compute: Callable[[Tensor], Tensor]
    load: Callable[[np.ndarray], Iterable[Batch]]
    runtime: Runtime
    stop: StopRequest
    on_batch: Callable[[int], None] = lambda _count: None


def cached_features(cache: FeatureCache, hashes: Sequence[str], work: FeatureWork) -> np.ndarray:
    """Return the features (N, D) of images, computing those that the cache lacks.

    Raises:
        Terminated: asked to end; what was computed is kept.
    """
    vectors, known = cache.load(hashes)
    if compute_missing(cache, hashes, known, work):
        vectors, known = cache.load(hashes)
    if vectors is None or not known.all():
        raise RuntimeError("the feature cache lost what was just written to it")
    return vectors


def compute_missing(cache: PartFolder, hashes: Sequence[str], known: np.ndarray, work: FeatureWork) -> bool:
    """Compute what a cache lacks, all processes together, and write it; return whether there was anything to do.

    Raises:
        Terminated: asked to end; what was computed is kept.
    """
    _, first_seen = np.unique(np.asarray(hashes), return_index=True)
    missing = np.array([row for row in np.sort(first_seen) if not known[row]], dtype=np.int64)
    work.runtime.barrier()  # all ranks must have looked before one writes
    if len(missing):
        _compute(cache, hashes, missing[work.runtime.rank :: work.runtime.world_size], work)
    work.runtime.barrier()
    return len(missing) > 0


def _compute(cache: PartFolder, hashes: Sequence[str], missing: np.ndarray, work: FeatureWork) -> None:
    done = written = 0
    pending: list[np.ndarray] = []
    for batch in work.load(missing):
        with torch.inference_mode(), work.runtime.autocast():
            rows = work.compute(work.runtime.to_device(batch).images).float().cpu().numpy()
        pending.append(rows.astype(cache.dtype, copy=False))
        done += len(batch.ids)
        work.on_batch(len(batch.ids))
        if work.stop.requested or done - written >= cache.part_rows or done == len(missing):
            cache.add([hashes[row] for row in missing[written:done]], np.concatenate(pending))
            pending, written = [], done
        if work.stop.requested:
            raise Terminated


def as_labels(labels: np.ndarray) -> Tensor:
    """Return labels as a loss reads them: class indices int64, several labels per image float32."""
    return torch.from_numpy(labels.astype(np.float32 if labels.dtype.kind == "f" else np.int64))


@dataclass
class FeatureLoader:
    """Batches of cached features in place of images; has the same order as the image loader would have.

    Attributes:
        features: (V, N, D), one slice a view; epoch e reads view e mod V.
        labels: (N,) class indices, or (N, K) of several labels per image.
        position: row number in the sample table -> position in `features`.
        batches: the sampler, which yields lists of (epoch, row).
    """

    features: Tensor
    labels: Tensor
    position: dict[int, int]
    batches: Any

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self.batches:
            view = indices[0][0] % len(self.features)
            chosen = torch.tensor([self.position[row] for _, row in indices])
            rows = torch.tensor([row for _, row in indices])
            yield Batch(self.features[view, chosen], Target(labels=self.labels[chosen]), rows)


def load_cached(vectors: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], Iterable[Batch]]:
    """Return a loader that gives cached features in place of images.

    Args:
        vectors: (N, D) features of `rows`.
        rows: (N,) row numbers.
        labels: label of every row of the table.

    Returns:
        row numbers (M,) among `rows` -> one batch of their features; none for no rows.
    """
    features = torch.from_numpy(vectors)
    position = {int(row): index for index, row in enumerate(rows)}

    def load(part: np.ndarray) -> Iterable[Batch]:
        if len(part):
            target = Target(labels=as_labels(labels[part]))
            yield Batch(features[[position[int(row)] for row in part]], target, torch.from_numpy(part))

    return load
