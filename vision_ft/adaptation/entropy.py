"""Test-time entropy minimisation (TENT) on unlabelled images, with a guard that rolls back to the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from timm.layers import RmsNorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vision_ft.adaptation.activations import Pair, batchnorm_layers, frozen_ids
from vision_ft.adaptation.batchnorm import DEFAULT_PRIOR, MINIMUM_IMAGES, reestimate
from vision_ft.errors import DataError, ModelError

NORMALISATIONS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, RmsNorm)
DEFAULT_LR = 1e-3  # Adam's in the paper (sec. 4)


@dataclass(frozen=True)
class Guard:
    """When the adapted model is thrown away.

    Entropy falls just as well when the model learns to name one class with certainty, so its fall proves nothing.

    Attributes:
        max_class_gain: by how much the share of predictions of any class may grow.
        max_changed: share of images whose predicted class may change.
    """

    max_class_gain: float = 0.25
    max_changed: float = 0.5


@dataclass(frozen=True)
class EntropyResult:
    """What entropy minimisation did to the predictions on the images that it ran on.

    Attributes:
        kept: whether the model was changed; if not, it is bit-identical to the source.
        reason: one sentence with the numbers of the guard.
        entropy_before: mean entropy of the source's predictions, in nats.
        entropy_after: the same after adaptation, before any rollback; NaN where training broke down.
        class_gain: the largest growth of a class's share of the predictions.
        changed: share of images whose predicted class changed.
        steps: optimizer steps made.
        trained_parameters: numbers in the weights and biases of the normalisation layers.
    """

    kept: bool
    reason: str
    entropy_before: float
    entropy_after: float
    class_gain: float
    changed: float
    steps: int
    trained_parameters: int


def minimise_entropy(
    model: nn.Module,
    batches: Iterable[Tensor],
    *,
    lr: float = DEFAULT_LR,
    passes: int = 1,
    prior: float = DEFAULT_PRIOR,
    guard: Guard | None = None,
    reference: Mapping[str, Pair] | None = None,
) -> EntropyResult:
    """Make the model surer of itself on new images (Wang 2021, arXiv:2006.10726, sec. 3), in place, or not at all.

    Adam moves the weight and bias of the normalisation layers only. Two differences from the paper, which adapts while
    it predicts: BatchNorm is re-estimated once (see `batchnorm.reestimate`) and then held, so that what is optimised is
    the very model that is kept, whatever batch it meets later; and a guard compares the predictions before and after.
    Nothing is random, dropout stays off: the same batches give the same model. Frozen parameters and
    `model.frozen_modules` stay as they are.

    Args:
        model: the copy to change; logits (B, K) from images (B, C, H, W).
        batches: can be gone through several times, in the same random order: a list or a loader, not a generator.
        lr: Adam's learning rate.
        passes: how often each image is used.
        prior: N of `batchnorm.mix_statistics`, for models with BatchNorm.
        guard: limits of the change; None for the defaults.
        reference: what BatchNorm sees on the old camera, as for `batchnorm.reestimate`.

    Raises:
        ModelError: no normalisation layer can train, or the model knows one class only.
        DataError: no images, too few for BatchNorm, or batches that can be read only once.
    """
    _require_rereadable(batches)
    affine = affine_parameters(model)
    before = _scores(model, batches)
    if _has_open_batchnorm(model) and len(before) < MINIMUM_IMAGES:
        raise DataError(
            f"Entropy minimisation: got {len(before)} images of the new camera; a model with BatchNorm needs at "
            f"least {MINIMUM_IMAGES} to set its statistics anew. Add images; they need no labels."
        )
    source = {name: value.clone() for name, value in model.state_dict().items()}
    if _has_open_batchnorm(model):
        reestimate(model, batches, count=len(before), prior=prior, reference=reference)
    steps, finite = _descend(model, batches, affine=affine, lr=lr, passes=passes)
    after = _scores(model, batches) if finite else np.full_like(before, np.nan)
    kept, reason = _judge(before, after, guard or Guard())
    if not kept:
        model.load_state_dict(source)
    return EntropyResult(
        kept=kept,
        reason=reason,
        entropy_before=_entropy(before),
        entropy_after=_entropy(after),
        class_gain=_class_gain(before, after)[0],
        changed=_changed(before, after),
        steps=steps,
        trained_parameters=sum(parameter.numel() for parameter in affine),
    )


def affine_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the trainable weights and biases of all normalisation layers, each once, in the order of the model.

    Raises:
        ModelError: there are none.
    """
    found = {
        id(parameter): parameter
        for module in model.modules()
        if isinstance(module, NORMALISATIONS)
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    }
    if not found:
        raise ModelError(
            "Entropy minimisation trains the weights and biases of BatchNorm, LayerNorm, GroupNorm and RMSNorm; this "
            "model has none that can train. Unfreeze a group that holds some, or take another backbone."
        )
    return list(found.values())


def _require_rereadable(batches: Iterable[Tensor]) -> None:
    if iter(batches) is batches:
        raise DataError(
            "Entropy minimisation goes through the images several times; got a generator, which can be read once. "
            "Hand over a list or a loader."
        )


def _has_open_batchnorm(model: nn.Module) -> bool:
    frozen = frozen_ids(model)
    return any(id(layer) not in frozen for _, layer in batchnorm_layers(model))


def _descend(
    model: nn.Module, batches: Iterable[Tensor], *, affine: list[nn.Parameter], lr: float, passes: int
) -> tuple[int, bool]:
    """Return the steps made and whether every loss was finite; stops at the first that is not."""
    optimizer = torch.optim.Adam(affine, lr=lr)
    steps = 0
    with _only_training(model, affine):
        for _ in range(passes):
            for batch in batches:
                loss = _mean_entropy(model(batch.to(affine[0].device)))
                if not loss.isfinite():
                    return steps, False
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                steps += 1
    return steps, all(bool(parameter.isfinite().all()) for parameter in affine)


@contextmanager
def _only_training(model: nn.Module, affine: list[nn.Parameter]) -> Iterator[None]:
    """Let only `affine` learn, in eval; afterwards flags and modes are as before, and no gradient is left."""
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.requires_grad_(False)
    for parameter in affine:
        parameter.requires_grad_(True)
    try:
        with _evaluating(model):
            yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
            parameter.grad = None


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _mean_entropy(logits: Tensor) -> Tensor:
    if logits.shape[1] < 2:
        raise ModelError("Entropy minimisation: the model knows one class only, so it is always sure; nothing to do.")
    log_probabilities = logits.log_softmax(1)
    return -(log_probabilities.exp() * log_probabilities).sum(1).mean()


def _scores(model: nn.Module, batches: Iterable[Tensor]) -> np.ndarray:
    """Return probabilities (N, K) of the model as it will be used."""
    device = next(model.parameters()).device
    with _evaluating(model), torch.no_grad():
        parts = [model(batch.to(device)).float().softmax(1).cpu().numpy() for batch in batches]
    if not parts:
        raise DataError("Entropy minimisation: got no images of the new camera.")
    return np.concatenate(parts)


def _judge(before: np.ndarray, after: np.ndarray, guard: Guard) -> tuple[bool, str]:
    if not np.isfinite(after).all():
        return False, "Rolled back: the entropy was no longer a finite number. Lower the learning rate."
    if _entropy(after) >= _entropy(before):
        return False, f"Rolled back: the mean entropy did not fall ({_entropy(before):.3f} to {_entropy(after):.3f})."
    gain, index = _class_gain(before, after)
    if gain > guard.max_class_gain:
        start, end = _shares(before)[index], _shares(after)[index]
        return False, (
            f"Rolled back: the predictions collapse toward class number {index} ({start:.0%} of the images before, "
            f"{end:.0%} after; a gain of {guard.max_class_gain:.0%} is allowed)."
        )
    if _changed(before, after) > guard.max_changed:
        return False, (
            f"Rolled back: {_changed(before, after):.0%} of the predictions changed, more than the allowed "
            f"{guard.max_changed:.0%}. So large a change cannot be trusted without labels."
        )
    return True, (
        f"Kept: the mean entropy fell from {_entropy(before):.3f} to {_entropy(after):.3f}; "
        f"{_changed(before, after):.0%} of the predictions changed, and no class gained more than {max(gain, 0):.0%}."
    )


def _entropy(scores: np.ndarray) -> float:
    return float(-(scores * np.log(np.clip(scores, 1e-12, None))).sum(1).mean())  # 0 * log 0 counts as 0


def _shares(scores: np.ndarray) -> np.ndarray:
    return np.bincount(scores.argmax(1), minlength=scores.shape[1]) / len(scores)


def _class_gain(before: np.ndarray, after: np.ndarray) -> tuple[float, int]:
    """Return by how much a class's share of predictions grew at most, and which class it is."""
    growth = _shares(after) - _shares(before)
    return float(growth.max()), int(growth.argmax())


def _changed(before: np.ndarray, after: np.ndarray) -> float:
    return float((before.argmax(1) != after.argmax(1)).mean())
