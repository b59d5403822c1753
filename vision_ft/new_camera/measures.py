"""What is measured around the candidates: the shift, the label-budget curve, what to label next, honest splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from vision_ft.adaptation.batchnorm import collect_statistics, current_statistics, has_batchnorm, statistics_distance
from vision_ft.adaptation.shift import DomainSample, matching_transform, measure_shift, pixel_statistics
from vision_ft.models.assemble import VisionModel
from vision_ft.new_camera.judging import reads_features
from vision_ft.wiring.candidate_trainer import CandidateTrainer
from vision_ft.wiring.domains import NEW, OLD, domains

MAX_IMAGES = 1000  # of a camera; more sharpen the measures of the shift no further
MAX_MATCHED = 256  # images that are embedded a second time with the old cameras' colours


@dataclass(frozen=True)
class Seen:
    """Both cameras as the source model sees them.

    Attributes:
        rows: (N,) rows of the table: all images of both cameras.
        features: (N, D) of the source's backbone.
        scores: (N, K) probabilities of the source model; None where an image has not one label.
        is_new: (N,) whether the image is of the new camera.
    """

    rows: np.ndarray
    features: np.ndarray
    scores: np.ndarray | None
    is_new: np.ndarray

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Positions of rows of the table."""
        position = {int(row): index for index, row in enumerate(self.rows)}
        return np.array([position[int(row)] for row in rows], dtype=np.int64)


def look(bench: CandidateTrainer, source: VisionModel) -> Seen:
    """Pass every image through the source's backbone once; the features come from the cache where they are known."""
    rows = np.arange(len(bench.table))
    features = bench.features_of(source)("features of both cameras", rows, 1)[0]
    scores = _score(bench, source, features) if bench.task.counts_correct else None
    return Seen(rows, features, scores, domains(bench.table) == NEW)


def _score(bench: CandidateTrainer, source: VisionModel, features: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) that the head gives for features (N, D)."""
    source.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(features).split(4096)
        device = bench.services.runtime.device
        scores = [source.head.to(device)(part.to(device)).float().softmax(dim=1).cpu().numpy() for part in parts]
    return np.concatenate(scores)


def normalised_part(model: VisionModel) -> nn.Module:
    """The part whose BatchNorm statistics describe a camera: of a model that reads maps, the backbone alone."""
    return model if reads_features(model) else model.backbone


def shift_between(bench: CandidateTrainer, source: VisionModel, seen: Seen, *, seed: int) -> dict[str, Any]:
    """Measure how the new camera differs from the old ones; see `adaptation.shift`."""
    table = bench.table
    rng = np.random.default_rng((seed, 3))
    chosen = {
        domain: np.sort(rng.permutation(seen.rows[seen.is_new == (domain == NEW)])[:MAX_IMAGES])
        for domain in (OLD, NEW)
    }
    samples: dict[str, DomainSample] = {}
    for domain, rows in chosen.items():
        if len(rows):
            at = seen.of(rows)
            samples[domain] = DomainSample(
                features=seen.features[at],
                pixels=_pixels(bench, rows),
                labels=None if seen.scores is None else table.labels[rows],
                scores=None if seen.scores is None else seen.scores[at],
                groups=None if table.groups is None else table.groups[rows],
            )
    matched, matched_rows = None, None
    if OLD in samples:
        matched_rows = np.sort(rng.permutation(len(chosen[NEW]))[:MAX_MATCHED])
        transform = matching_transform(samples[OLD].pixels, samples[NEW].pixels)
        matched = _embed(bench, source, chosen[NEW][matched_rows], transform)
    return measure_shift(
        samples.get(OLD),
        samples[NEW],
        classes=table.classes.names,
        matched_features=matched,
        matched_rows=matched_rows,
        batchnorm_distance=_batchnorm_distance(bench, source, chosen),
        seed=seed,
    )


def _batchnorm_distance(
    bench: CandidateTrainer, source: VisionModel, chosen: Mapping[str, np.ndarray]
) -> dict[str, Any] | None:
    """Return how far the layers' statistics on the new camera lie from those on the old; None without BatchNorm.

    Measured on old images where there are any: a frozen backbone stores the statistics of its pretraining.
    """
    if not has_batchnorm(source.backbone):
        return None
    part = normalised_part(source)
    measured = {
        domain: collect_statistics(part, _in_random_order(bench, rows), adapted=False)
        for domain, rows in chosen.items()
        if len(rows)
    }
    return statistics_distance(measured.get(OLD, current_statistics(part)), measured[NEW])


def _in_random_order(bench: CandidateTrainer, rows: np.ndarray) -> Iterator[torch.Tensor]:
    """Images of all classes in each batch, as what normalises them needs it."""
    order = np.random.default_rng(0).permutation(rows)[:MAX_MATCHED]
    return (batch.images for batch in bench.load_eval(order))


def _pixels(bench: CandidateTrainer, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([pixel_statistics(_plain(bench, batch.images)) for batch in bench.load_eval(rows)])


def _embed(
    bench: CandidateTrainer, source: VisionModel, rows: np.ndarray, transform: Callable[[torch.Tensor], torch.Tensor]
) -> np.ndarray:
    """Features (N, D) of images after a change of their colours."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (bench.preprocessing.mean, bench.preprocessing.std))
    device = bench.services.runtime.device
    vectors = []
    for batch in bench.load_eval(rows):
        changed = transform(_plain(bench, batch.images))
        with torch.inference_mode():
            features = source.backbone.forward_pooled(((changed - mean) / std).to(device))
        vectors.append(features.float().cpu().numpy())
    return np.concatenate(vectors)


def _plain(bench: CandidateTrainer, images: torch.Tensor) -> torch.Tensor:
    """Undo the normalisation: images (B, C, H, W) in [0, 1]."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (bench.preprocessing.mean, bench.preprocessing.std))
    return (images * std + mean).clamp(0, 1)
