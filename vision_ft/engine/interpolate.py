"""Weight interpolation between the head-only and the tuned model, alpha chosen on val (WiSE-FT)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)  # each inner one costs a forward pass over val


@dataclass(frozen=True)
class Interpolation:
    """The outcome of a sweep.

    Attributes:
        alpha: chosen share of the tuned weights; 0 is the head-only model, 1 the tuned one.
        scores: alpha -> the val scores that the choice was made on.
    """

    alpha: float
    scores: Mapping[float, Mapping[str, float]]


def mix_weights(start: Mapping[str, Tensor], tuned: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """Return `(1 - alpha) * start + alpha * tuned`; whole numbers, such as BatchNorm's counter, come from `tuned`."""
    return {
        name: tuned[name] if not value.is_floating_point() else start[name].lerp(tuned[name].to(start[name]), alpha)
        for name, value in tuned.items()
    }


def choose_alpha(
    model: nn.Module,
    start: Mapping[str, Tensor],
    tuned: Mapping[str, Tensor],
    *,
    evaluate: Callable[[], Mapping[str, float]],
    metric: str,
    alphas: Sequence[float] = ALPHAS,
) -> Interpolation:
    """Load the mixture that val likes best into the model (Wortsman 2022, arXiv:2109.01903, sec. 3).

    Ties go to the lower val loss, then to more tuning, so that a model stays tuned where val cannot tell. The start is
    the linear probe, not the zero-shot model of the paper.

    Args:
        model: receives the chosen weights.
        start: weights before the backbone was touched.
        tuned: weights of the best tuned epoch.
        evaluate: scores the model as it stands on val: {"loss", metric, ...}.
        metric: which score is maximised.
        alphas: shares of the tuned weights to try.
    """
    scores: dict[float, Mapping[str, float]] = {}
    for alpha in alphas:
        model.load_state_dict(mix_weights(start, tuned, alpha))
        scores[alpha] = evaluate()
    best = max(scores, key=lambda alpha: (_known(scores[alpha][metric]), _known(-scores[alpha]["loss"]), alpha))
    model.load_state_dict(mix_weights(start, tuned, best))
    return Interpolation(best, scores)


def _known(value: float) -> float:
    """Put what is not known, such as the mAP of a val set without boxes, below every number; NaN has no order."""
    return value if math.isfinite(value) else -math.inf
