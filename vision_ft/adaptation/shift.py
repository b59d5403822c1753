"""Measure how a new camera's images differ from the old camera's, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from vision_ft.adaptation.camera import DomainSample, known_classes
from vision_ft.adaptation.distances import (
    MIN_IMAGES,
    Pair,
    frechet_distance,
    kernel_distance,
    separability,
    squared_discrepancy,
)
from vision_ft.adaptation.pixels import LOOK_NAMES, PIXEL_NAMES, matching_transform, pixel_statistics
from vision_ft.adaptation.prior import compare_shares
from vision_ft.adaptation.shift_words import MAX_P_VALUE, describe
from vision_ft.errors import DataError
from vision_ft.evaluate.intervals import plain

__all__ = ["LOOK_NAMES", "PIXEL_NAMES", "DomainSample", "matching_transform", "measure_shift", "pixel_statistics"]

MAX_ROWS = 1000  # images of a camera in a distance: the kernel matrix grows with the square
MIN_MATCHED_ROWS = 16  # fewer images after matching the classes say less than all images do
MAX_CLASSES = 10  # 45 pairs of classes are enough for a median
FRECHET_NOTE = "Depends on the number of images and on the backbone; compare it only where both are the same."


@dataclass(frozen=True)
class _Rows:
    """Rows of each camera that are compared, and what their classes were matched by (None: not matched)."""

    old: np.ndarray
    new: np.ndarray
    matched_by: str | None = None


def measure_shift(
    old: DomainSample | None,
    new: DomainSample,
    *,
    classes: Sequence[str],
    matched_features: np.ndarray | None = None,
    matched_rows: np.ndarray | None = None,
    batchnorm_distance: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure the shift between two cameras and name its kind.

    All distances compare samples of equal class shares (by labels, else by the source model's predictions), so that a
    camera with other class shares is not taken for one with other images; shares are compared apart from them.
    The kind is "none" unless the permutation test (p <= 0.01) and the domain classifier (AUC >= 0.6) both see a
    difference; then "lighting" if matching brightness, contrast and colour removes 30% of the kernel distance or more,
    else "image". "labels" means that only the class shares differ. It is None where it cannot be told.

    Args:
        old: images of the old camera; None when there are none, and then only the new camera is described.
        new: images of the new camera.
        classes: names of all classes, the source model's first.
        matched_features: (M, D) features of new images after `matching_transform`.
        matched_rows: (M,) which rows of `new` these are; the first M when not given.
        batchnorm_distance: passed on; see `vision_ft.adaptation.batchnorm.statistics_distance`.
        seed: of the resampling, the permutations and the choice of images where there are more than 1000.

    Returns:
        What adaptation.json holds as "shift"; None stands for unknown.

    Raises:
        DataError: the features of the cameras differ in width, or some are not finite.
    """
    _check(old, new, matched_features)
    shift: dict[str, Any] = {
        "pictures": {"old": None if old is None else len(old), "new": len(new)},
        "batchnorm": batchnorm_distance,
        "prior": compare_shares(old, new, classes=classes, seed=seed),
    }
    shift |= _describe_new(new) if old is None else _compare(old, new, matched_features, matched_rows, seed=seed)
    kind, sentences = describe(shift)
    result: dict[str, Any] = plain({**shift, "kind": kind, "sentence": sentences[0], "sentences": sentences})
    return result


def _check(old: DomainSample | None, new: DomainSample, matched: np.ndarray | None) -> None:
    arrays = {"the old camera": None if old is None else old.features, "the new camera": new.features}
    for where, features in (arrays | {"the new camera after colour matching": matched}).items():
        if features is None:
            continue
        bad = int((~np.isfinite(features).all(axis=1)).sum())
        if bad:
            raise DataError(
                f"Features of {where}: {bad} of {len(features)} images have values that are not finite. "
                "Look for damaged images with 'vision-ft audit', or use precision 32."
            )
        if features.shape[1] != new.features.shape[1]:
            raise DataError(
                f"Features of {where} have {features.shape[1]} numbers per image, those of the new camera "
                f"{new.features.shape[1]}. Compute both with the same model."
            )


def _describe_new(new: DomainSample) -> dict[str, Any]:
    pixels = [
        {"name": name, "old": None, "new": float(value), "difference": None}
        for name, value in zip(LOOK_NAMES, new.pixels.mean(axis=0), strict=False)
    ]
    unknown = ("domain_auc", "pixel_auc", "kernel_distance", "frechet", "matched_share", "compared")
    return {**dict.fromkeys(unknown), "pixels": pixels if len(new) else []}


def _compare(
    old: DomainSample,
    new: DomainSample,
    matched_features: np.ndarray | None,
    matched_rows: np.ndarray | None,
    *,
    seed: int,
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    alike = _match_classes(old, new, rng=rng)
    rows = _Rows(_at_most(alike.old, rng), _at_most(alike.new, rng), alike.matched_by)
    features = _pair(old, new, rows, "features")
    kernel = kernel_distance(features, seed=seed)
    if kernel is not None:
        kernel["relative"] = _relative_to_classes(kernel, old, rows.old)
    share = None
    if kernel is not None and matched_features is not None and kernel["p_value"] <= MAX_P_VALUE:
        given = np.arange(len(matched_features)) if matched_rows is None else np.asarray(matched_rows)
        share = _matched_share(
            features.old, new.features, matched_features, given=given, alike=alike.new, bandwidth=kernel["bandwidth"]
        )
    frechet = frechet_distance(features)
    return {
        "compared": {"old": len(rows.old), "new": len(rows.new), "matched_by": rows.matched_by},
        "domain_auc": separability(features, seed=seed),
        "pixel_auc": separability(_pair(old, new, rows, "pixels"), seed=seed),
        "kernel_distance": kernel,
        "frechet": None if frechet is None else {"value": frechet, "note": FRECHET_NOTE},
        "pixels": _compare_looks(old.pixels[rows.old], new.pixels[rows.new]),
        "matched_share": share,
    }


def _pair(old: DomainSample, new: DomainSample, rows: _Rows, what: str) -> Pair:
    return Pair(
        getattr(old, what)[rows.old],
        getattr(new, what)[rows.new],
        old.group_ids[rows.old],
        new.group_ids[rows.new],
    )


def _match_classes(old: DomainSample, new: DomainSample, *, rng: np.random.Generator) -> _Rows:
    """As many images of each class from either camera; all images when too few would be left."""
    everything = _Rows(np.arange(len(old)), np.arange(len(new)))
    known = known_classes(old, new)
    if known is None:
        return everything
    old_classes, new_classes, matched_by = known
    old_rows, new_rows = [], []
    for label in np.intersect1d(old_classes[old_classes >= 0], new_classes[new_classes >= 0]):
        of_old, of_new = np.flatnonzero(old_classes == label), np.flatnonzero(new_classes == label)
        count = min(len(of_old), len(of_new))
        old_rows.append(rng.permutation(of_old)[:count])
        new_rows.append(rng.permutation(of_new)[:count])
    if sum(map(len, old_rows)) < MIN_MATCHED_ROWS:
        return everything
    return _Rows(np.sort(np.concatenate(old_rows)), np.sort(np.concatenate(new_rows)), matched_by)


def _at_most(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= MAX_ROWS else np.sort(rng.choice(rows, MAX_ROWS, replace=False))


def _relative_to_classes(kernel: Mapping[str, Any], old: DomainSample, rows: np.ndarray) -> float | None:
    """The distance of the cameras over the median distance of two classes of the old camera; roots of the squares."""
    if old.labels is None or kernel["bandwidth"] == 0:
        return None
    labels = np.asarray(old.labels)[rows]
    counts = np.bincount(labels[labels >= 0])
    largest = [label for label in np.argsort(-counts, kind="stable")[:MAX_CLASSES] if counts[label] >= MIN_IMAGES]
    members = [old.features[rows][labels == label] for label in largest]
    between = [squared_discrepancy(*pair, bandwidth=kernel["bandwidth"]) for pair in combinations(members, 2)]
    middle = float(np.median(between)) if between else 0.0
    return float(np.sqrt(max(kernel["value"], 0.0) / middle)) if middle > 0 else None


def _matched_share(
    old_features: np.ndarray,
    new_features: np.ndarray,
    matched: np.ndarray,
    *,
    given: np.ndarray,
    alike: np.ndarray,
    bandwidth: float,
) -> float | None:
    """Share of the kernel distance that matching removes, on the same images before and after; at least -1."""
    chosen = np.flatnonzero(np.isin(given, alike))
    if len(chosen) < MIN_IMAGES:
        chosen = np.arange(len(given))
    if len(chosen) < MIN_IMAGES or bandwidth == 0:
        return None
    before = squared_discrepancy(old_features, new_features[given[chosen]], bandwidth=bandwidth)
    after = squared_discrepancy(old_features, matched[chosen], bandwidth=bandwidth)
    return float(np.clip(1 - max(after, 0.0) / before, -1.0, 1.0)) if before > 0 else None


def _compare_looks(old: np.ndarray, new: np.ndarray) -> list[dict[str, Any]]:
    """Mean of each look on both cameras, and the difference in standard deviations over the old camera's images."""
    table = []
    for column, name in enumerate(LOOK_NAMES):
        before, after = float(old[:, column].mean()), float(new[:, column].mean())
        spread = float(old[:, column].std())
        difference = (after - before) / spread if spread > 0 else (0.0 if after == before else None)
        table.append({"name": name, "old": before, "new": after, "difference": difference})
    return table
