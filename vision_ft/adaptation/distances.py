"""How far two sets of vectors lie apart: domain classifier, kernel distance and Frechet distance."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import comb
from typing import Any, Literal

import numpy as np
from scipy.spatial.distance import cdist, pdist
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vision_ft.evaluate.resampling import MIN_GROUPS, draw_units

MIN_IMAGES = 8  # of each set; fewer leave folds of one or two images
FOLDS = 5
MAX_COMPONENTS = 64
REGULARISATION = 0.1  # inverse strength on standardised columns: there are often more columns than images
BOOTSTRAP_REPLICATES = 1000
PERMUTATIONS = 500
MIN_REGROUPINGS = 400  # ways to deal the groups out anew; with fewer, the smallest p-value would exceed 0.01

By = Literal["groups", "pictures"]


@dataclass(frozen=True)
class Pair:
    """Two sets of vectors of one kind.

    Attributes:
        old: (N, D) of the old camera.
        new: (M, D) of the new camera.
        old_groups: (N,) ids of the groups (day, sequence, ...) whose images are alike; each image its own where
            nothing is known.
        new_groups: (M,) the same for the new camera; ids are compared within a camera only.
    """

    old: np.ndarray
    new: np.ndarray
    old_groups: np.ndarray
    new_groups: np.ndarray

    @property
    def is_new(self) -> np.ndarray:
        """(N + M,) whether a stacked row is of the new camera."""
        return np.repeat([False, True], [len(self.old), len(self.new)])

    @property
    def stacked(self) -> np.ndarray:
        """(N + M, D) float64, the old camera first."""
        return np.concatenate([self.old, self.new]).astype(np.float64)


def separability(pair: Pair, *, seed: int = 0) -> dict[str, Any] | None:
    """AUC of a logistic regression that tells the two cameras apart, with a 95% interval.

    The AUC is the share of (old, new) pairs that the classifier puts in order: 0.5 is guessing, 1 is two sets that do
    not overlap (the domain classifier of Ben-David et al. 2010, "A theory of learning from different domains", sec. 4).
    Whole groups are left out in turn where both cameras have two or more, as images of one group give each other
    away. Both cameras weigh the same. The interval is a percentile bootstrap of the left-out scores, by groups from
    eight a camera on; the classifier is not fitted anew.

    Returns:
        value, low, high, and `by` ("groups" or "images": what was left out); None with fewer than eight images of
        a camera.
    """
    if min(len(pair.old), len(pair.new)) < MIN_IMAGES:
        return None
    by, groups = _fold_groups(pair)
    vectors, is_new = pair.stacked, pair.is_new
    vectors = vectors[:, np.ptp(vectors, axis=0) > 0]
    if not vectors.shape[1]:  # all rows are equal
        return {"value": 0.5, "low": 0.5, "high": 0.5, "by": by}
    scores = _left_out_scores(vectors, is_new, groups=groups, seed=seed)
    low, high = np.percentile(_auc(scores, is_new, _resampled_weights(pair, seed=seed)), [2.5, 97.5])
    value = float(_auc(scores, is_new, np.ones((1, len(scores))))[0])
    return {"value": value, "low": float(low), "high": float(high), "by": by}


def _fold_groups(pair: Pair) -> tuple[By, tuple[np.ndarray, np.ndarray]]:
    numbers = [len(set(groups)) for groups in (pair.old_groups, pair.new_groups)]
    if min(numbers) < 2 or sum(numbers) == len(pair.is_new):
        return "pictures", (np.arange(len(pair.old)), np.arange(len(pair.new)))
    return "groups", (pair.old_groups, pair.new_groups)


def _left_out_scores(
    vectors: np.ndarray, is_new: np.ndarray, *, groups: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Score (N + M,) of each row by a classifier that saw no row of its fold; higher is newer."""
    folds = min(FOLDS, *(len(set(camera)) for camera in groups))
    fold = np.empty(len(vectors), np.int64)
    for rows, camera in zip((~is_new, is_new), groups, strict=True):  # each fold holds groups of both cameras
        places = np.flatnonzero(rows)
        for number, (_, left_out) in enumerate(GroupKFold(folds).split(places, groups=camera)):
            fold[places[left_out]] = number
    scores = np.empty(len(vectors))
    for number in range(folds):
        inside, left_out = fold != number, fold == number
        model = _domain_classifier(num_rows=int(inside.sum()), num_columns=vectors.shape[1], seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the order of the scores is settled long before
            model.fit(vectors[inside], is_new[inside])
        scores[left_out] = model.decision_function(vectors[left_out])
    return scores


def _domain_classifier(*, num_rows: int, num_columns: int, seed: int) -> Any:
    regression = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=500)
    if num_columns <= num_rows:
        return make_pipeline(StandardScaler(), regression)
    components = min(MAX_COMPONENTS, num_rows // 2)
    return make_pipeline(StandardScaler(), PCA(components, svd_solver="full", random_state=seed), regression)


def _auc(scores: np.ndarray, is_new: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC (R,) of the scores (N,) under R sets of row weights (R, N); ties count half."""
    rank = rankdata(scores, method="dense").astype(np.int64) - 1
    order = np.argsort(rank, kind="stable")
    starts = np.searchsorted(rank[order], np.arange(rank.max() + 1))
    old = np.add.reduceat(weights[:, order] * ~is_new[order], starts, axis=1)
    new = np.add.reduceat(weights[:, order] * is_new[order], starts, axis=1)
    below = np.cumsum(old, axis=1) - old / 2
    area: np.ndarray = (new * below).sum(axis=1) / (old.sum(axis=1) * new.sum(axis=1))
    return area


def _resampled_weights(pair: Pair, *, seed: int) -> np.ndarray:
    """How often each row was drawn (R, N + M); whole groups are drawn where each camera has eight."""
    cameras = (pair.old_groups, pair.new_groups)
    if min(len(set(groups)) for groups in cameras) < MIN_GROUPS:
        cameras = (np.arange(len(pair.old)), np.arange(len(pair.new)))
    rng = np.random.default_rng(seed)
    members = [np.unique(groups, return_inverse=True)[1] for groups in cameras]
    draws = [np.concatenate([*draw_units(unit, replicates=BOOTSTRAP_REPLICATES, seed=rng)]) for unit in members]
    return np.concatenate(draws, axis=1)


def permuted_membership(pair: Pair, *, seed: int = 0) -> tuple[np.ndarray, By]:
    """Deal the rows out to the two cameras anew, by whole groups where there are enough of them.

    Returns:
        (R, N + M) whether a row counts as new, and what was dealt out.
    """
    rng = np.random.default_rng(seed)
    old_names, old_member = np.unique(pair.old_groups, return_inverse=True)
    new_names, new_member = np.unique(pair.new_groups, return_inverse=True)
    num_groups = len(old_names) + len(new_names)
    if comb(num_groups, len(new_names)) < MIN_REGROUPINGS:
        is_new = pair.is_new
        return np.stack([rng.permutation(is_new) for _ in range(PERMUTATIONS)]), "pictures"
    member = np.concatenate([old_member, new_member + len(old_names)])
    chosen = np.repeat([False, True], [len(old_names), len(new_names)])
    by: By = "pictures" if num_groups == len(member) else "groups"
    return np.stack([rng.permutation(chosen)[member] for _ in range(PERMUTATIONS)]), by


def p_value(observed: float, permuted: np.ndarray) -> float:
    """Share of permutations, the observed one counted in, that reach the observed value."""
    return float((1 + np.sum(permuted >= observed - 1e-12)) / (1 + len(permuted)))


def median_bandwidth(pair: Pair) -> float:
    """Median distance between two rows of both cameras together (Gretton et al. 2012, sec. 8); 0 if all are equal."""
    return float(np.median(pdist(pair.stacked)))


def kernel_distance(pair: Pair, *, seed: int = 0) -> dict[str, Any] | None:
    """Squared maximum mean discrepancy of the two cameras, with the p-value of a permutation test.

    Gretton et al. 2012, "A Kernel Two-Sample Test" (JMLR 13), lemma 6: unbiased, so that it may lie slightly below 0
    for cameras that do not differ. Gaussian kernel with the median distance as bandwidth.

    Returns:
        value, p_value, bandwidth, and `by` ("groups" or "images": what was permuted); None with fewer than eight
        images of a camera.
    """
    if min(len(pair.old), len(pair.new)) < MIN_IMAGES:
        return None
    bandwidth = median_bandwidth(pair)
    if bandwidth == 0:
        return {"value": 0.0, "p_value": 1.0, "bandwidth": 0.0, "by": "pictures"}
    kernel = _kernel(pair.stacked, pair.stacked, bandwidth)
    permuted, by = permuted_membership(pair, seed=seed)
    value = float(_discrepancy(kernel, pair.is_new[None])[0])
    return {"value": value, "p_value": p_value(value, _discrepancy(kernel, permuted)), "bandwidth": bandwidth, "by": by}


def squared_discrepancy(old: np.ndarray, new: np.ndarray, *, bandwidth: float) -> float:
    """Unbiased squared maximum mean discrepancy of (N, D) and (M, D) under a Gaussian kernel of this bandwidth."""
    stacked = np.concatenate([old, new]).astype(np.float64)
    is_new = np.repeat([False, True], [len(old), len(new)])
    return float(_discrepancy(_kernel(stacked, stacked, bandwidth), is_new[None])[0])


def _kernel(left: np.ndarray, right: np.ndarray, bandwidth: float) -> np.ndarray:
    kernel: np.ndarray = np.exp(-cdist(left, right, "sqeuclidean") / (2 * bandwidth**2))
    return kernel


def _discrepancy(kernel: np.ndarray, is_new: np.ndarray) -> np.ndarray:
    """Unbiased squared discrepancy (R,) under R memberships (R, N) of the rows of the kernel matrix (N, N)."""
    new, old = is_new.astype(np.float64), (~is_new).astype(np.float64)
    num_new, num_old = new.sum(axis=1), old.sum(axis=1)
    toward_new = new @ kernel  # (R, N)
    within_new = ((toward_new * new).sum(axis=1) - new @ np.diag(kernel)) / (num_new * (num_new - 1))
    within_old = (((old @ kernel) * old).sum(axis=1) - old @ np.diag(kernel)) / (num_old * (num_old - 1))
    across = (toward_new * old).sum(axis=1) / (num_new * num_old)
    distance: np.ndarray = within_new + within_old - 2 * across
    return distance


def frechet_distance(pair: Pair) -> float | None:
    """Frechet distance of two Gaussians fitted to the cameras' vectors (Heusel et al. 2017, arXiv:1706.08500, eq. 6).

    Covariances are shrunk (Ledoit & Wolf 2004), as there are often fewer images than dimensions. The value still
    depends on the number of images and on the backbone: compare it only between runs that share both.

    Returns:
        The squared distance; None with fewer than eight images of a camera.
    """
    if min(len(pair.old), len(pair.new)) < MIN_IMAGES:
        return None
    vectors, is_new = pair.stacked, pair.is_new
    if np.ptp(vectors, axis=0).max() == 0:
        return 0.0
    old, new = vectors[~is_new], vectors[is_new]
    old_covariance, new_covariance = ledoit_wolf(old)[0], ledoit_wolf(new)[0]
    values, directions = np.linalg.eigh(old_covariance)
    root = (directions * np.sqrt(np.clip(values, 0, None))) @ directions.T
    product = np.linalg.eigvalsh(root @ new_covariance @ root)  # eigenvalues of the product of the two covariances
    spread = np.trace(old_covariance) + np.trace(new_covariance) - 2 * np.sqrt(np.clip(product, 0, None)).sum()
    return float(((old.mean(axis=0) - new.mean(axis=0)) ** 2).sum() + max(spread, 0.0))
