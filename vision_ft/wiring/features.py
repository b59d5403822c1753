"""Cached features of a backbone that is still as it was pretrained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.data.loading.dataset import EvalImages, TrainImages
from vision_ft.data.loading.loaders import AugmentedView, build_eval_loader
from vision_ft.engine.features import FeatureCache, FeatureWork, cached_features
from vision_ft.engine.run import Services
from vision_ft.models.assemble import VisionModel
from vision_ft.types import Batch

BATCH_SIZE = 32  # fixed, so that the features of an image do not depend on the run's batch size


class FrozenImages:
    """The images of a run on their way through its frozen backbone, for what is kept of them on disk.

    Args:
        model: its backbone must not have been trained yet.
        services: processes, the request to end, and who listens.
        root: folder of the cache.
        workers: processes that load images.
        plain: images as validation sees them: view 0.
        augmented: images as training sees them: views 1, 2, ...
        view_key: what decides the augmented views: preset and seed.
    """

    def __init__(
        self,
        model: VisionModel,
        *,
        services: Services,
        root: Path,
        workers: int,
        plain: EvalImages,
        augmented: TrainImages,
        view_key: dict[str, Any],
    ) -> None:
        self.model, self.root, self.workers = model, root, workers
        self.runtime, self.stop, self.reporter = services.runtime, services.stop, services.reporter
        self.plain, self.augmented, self.view_key = plain, augmented, view_key
        self._hashes = plain.table.arrow.column("hash").to_pylist()

    def key(self, view: int) -> dict[str, Any]:
        """Return what decides the features of an image beside its content."""
        backbone = self.model.backbone
        return {
            "backbone": backbone.name,
            "weights": backbone.weights_id,
            "args": dict(backbone.model_args),
            "preprocessing": asdict(backbone.preprocessing),
            "precision": self.runtime.precision,
            "view": {"number": view, **self.view_key} if view else 0,
        }

    def hashes(self, rows: np.ndarray, view: int) -> list[str]:
        """Return what tells the images of rows apart; an augmented view depends on the row number too."""
        return [f"{self._hashes[row]}:{row}" if view else self._hashes[row] for row in rows]

    def work(self, rows: np.ndarray, view: int, compute: Callable[[Tensor], Tensor]) -> FeatureWork:
        """Return how the features of rows are computed; the model goes into evaluation mode."""
        self.model.eval()
        return FeatureWork(
            compute=lambda images: _filled_up(images, compute),
            load=lambda positions: self._load(rows[positions], view),
            runtime=self.runtime,
            stop=self.stop,
            on_batch=self.reporter.advance,
        )

    def _load(self, rows: np.ndarray, view: int) -> Iterable[Batch]:
        if view == 0:
            return build_eval_loader(self.plain, rows, batch_size=BATCH_SIZE, workers=self.workers)
        return build_eval_loader(AugmentedView(self.augmented, view), rows, batch_size=BATCH_SIZE, workers=self.workers)


class FeatureSource(FrozenImages):
    """Gives the pooled features of rows, from memory, from disk, or by a forward pass.

    The arguments are those of `FrozenImages`.
    """

    def __init__(self, model: VisionModel, **pictures: Any) -> None:
        super().__init__(model, **pictures)
        self._known: dict[tuple[bytes, int], np.ndarray] = {}

    def __call__(self, what: str, rows: np.ndarray, views: int) -> np.ndarray:
        """Return features (V, N, D) of the rows; the first view is not augmented."""
        known = (rows.tobytes(), views)
        if known not in self._known:
            self._known[known] = np.stack([self._view(what, rows, view) for view in range(views)])
        return self._known[known]

    def _view(self, what: str, rows: np.ndarray, view: int) -> np.ndarray:
        self.reporter.begin(what if view == 0 else f"{what}, view {view + 1}", len(rows))
        cache, work = FeatureCache(self.root, self.key(view)), self.work(rows, view, self._compute)
        vectors = cached_features(cache, self.hashes(rows, view), work)
        self.reporter.end()
        return vectors

    def _compute(self, images: Tensor) -> Tensor:
        return self.model.backbone.forward_pooled(images)


def _filled_up(images: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """Return features (B, D); short batches are filled up, since kernels round by the size of the batch.

    Without it, the last bits of a row would depend on which images the cache already knew.
    """
    count = len(images)
    if count < BATCH_SIZE:
        images = torch.cat([images, images[:1].expand(BATCH_SIZE - count, -1, -1, -1)])
    return compute(images)[:count]
